package io.octavo.cli.command;

import io.octavo.cli.terminal.Terminal;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * How this process ends. Whatever ends it short of kill -9, what was handed to {@link #closing} is closed. The first INT,
 * TERM or HUP ends it so, with 128 and the signal's number; the second at once.
 */
public final class ProcessEnd {

    private static final int SIGNALLED = 128;
    private static final AtomicBoolean TOLD = new AtomicBoolean();
    private static volatile boolean serving;

    private ProcessEnd() {}

    /** Called once, by what the JVM starts with. */
    public static void followSignals(Terminal terminal) {
        for (String signal : List.of("INT", "TERM", "HUP")) {
            handle(signal, number -> end(terminal, SIGNALLED + number));
        }
    }

    /** Closes something when the process ends, before it is gone. What a second signal cuts off stays open. */
    public static void closing(Runnable close) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(close), "octavo-stop"));
    }

    private static void stop(Runnable close) {
        close.run();
        if (serving) {
            Runtime.getRuntime().halt(ExitCode.OK); // a signal is how a service ends, not a failure
        }
    }

    /** Never returns: a signal ends the process. */
    public static void awaitSignal() throws InterruptedException {
        serving = true;
        new CountDownLatch(1).await();
    }

    /** Never returns once the process has been told to end: what fails from then on fails for that. */
    public static void waitIfTold() {
        while (TOLD.get()) {
            LockSupport.park();
        }
    }

    /** By reflection, since javac has a warning for this class alone that nothing turns off. */
    private static void handle(String name, IntConsumer end) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object known = signal.getConstructor(String.class).newInstance(name);
            int number = (int) signal.getMethod("getNumber").invoke(known);
            Object proxy =
                    Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, (_, method, _) -> {
                        if (method.getName().equals("handle")) {
                            end.accept(number);
                        }
                        return null;
                    });
            signal.getMethod("handle", signal, handler).invoke(null, known, proxy);
        } catch (ReflectiveOperationException e) {
            // The JVM's own handler closes as well; a second signal does not end the process then.
            return;
        }
    }

    private static void end(Terminal terminal, int status) {
        if (TOLD.getAndSet(true)) {
            Runtime.getRuntime().halt(status);
        }
        if (terminal.interactive()) {
            terminal.err().println(); // the terminal has shown ^C, maybe behind a bar of progress
        }
        if (!serving) {
            // What is logged from here on tells of what the end takes away from other threads. A service ends in order.
            var nowhere = new PrintStream(OutputStream.nullOutputStream());
            System.setOut(nowhere);
            System.setErr(nowhere);
        }
        Runtime.getRuntime().exit(status);
    }
}
