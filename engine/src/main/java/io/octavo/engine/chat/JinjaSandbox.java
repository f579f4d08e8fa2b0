package io.octavo.engine.chat;

import com.sun.management.ThreadMXBean;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Engine;
import org.graalvm.polyglot.HostAccess;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.ResourceLimits;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.IOAccess;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.jspecify.annotations.Nullable;

/**
 * A JavaScript context of its own in which one model's templates are interpreted, without access to host, files, network,
 * threads or environment.
 *
 * <p>A template runs in a thread of its own, whose allocations are counted; whoever waits for it closes the context once a
 * bound is reached. It renders nothing after that. Not thread-safe.
 */
final class JinjaSandbox implements AutoCloseable {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Nested expressions and macros are interpreted by nested calls. */
    private static final long STACK_BYTES = 16 << 20;

    private static final Duration PAUSE = Duration.ofMillis(2);

    /** Of the npm package, where the build had npm. */
    private static final String INTERPRETER = "jinja/index.cjs";

    /** What is compiled once a process. */
    private static final class Shared {

        static final Engine ENGINE = Engine.newBuilder("js")
                .option("engine.WarnInterpreterOnly", "false")
                .out(OutputStream.nullOutputStream())
                .err(OutputStream.nullOutputStream())
                .build();

        static final Source JINJA = source(
                INTERPRETER,
                "(() => { const module = { exports: {} }; let exports = module.exports;",
                "\nreturn module.exports; })()");

        static final Source RENDER = source("render.js", "", "");

        private static Source source(String name, String before, String after) {
            try (InputStream file = JinjaSandbox.class.getResourceAsStream(name)) {
                if (file == null) {
                    throw new IllegalStateException("resource " + name + " is missing");
                }
                String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
                return Source.create("js", before + text + after);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private final RenderLimits limits;
    private final Context context;
    private final Value compiler;
    private final Map<String, Value> compiled = new HashMap<>();

    /** @throws QuantizationException {@code chat-template-unavailable} if the build had no npm */
    JinjaSandbox(RenderLimits limits) {
        if (JinjaSandbox.class.getResource(INTERPRETER) == null) {
            throw new QuantizationException(
                    ErrorCode.CHAT_TEMPLATE_UNAVAILABLE,
                    "chat templates cannot be rendered by this build of Octavo, since npm was not there or failed when it was made:"
                            + " install npm and build again, or give the texts as text");
        }
        this.limits = limits;
        this.context = Context.newBuilder("js")
                .engine(Shared.ENGINE)
                .allowAllAccess(false)
                .allowHostAccess(HostAccess.NONE)
                .allowIO(IOAccess.NONE)
                // Of the bounds below, the length of strings alone counts as experimental.
                .allowExperimentalOptions(true)
                .option("js.string-length-limit", String.valueOf(limits.characters()))
                .option("js.allow-eval", "false")
                .option("js.locale", "en-US")
                .resourceLimits(ResourceLimits.newBuilder()
                        .statementLimit(limits.statements(), null)
                        .build())
                .build();
        this.compiler = context.eval(Shared.RENDER).execute(context.eval(Shared.JINJA));
    }

    /**
     * @param variables a JSON object whose members are tagged as render.js decodes them
     * @param strftime the time by a Python format
     * @throws QuantizationException {@code chat-template-failed} or {@code chat-template-exceeded}, after which this renders
     *     nothing any more
     */
    String render(String template, String variables, UnaryOperator<String> strftime) {
        ProxyExecutable now = arguments -> strftime.apply(arguments[0].asString());
        return bounded(() -> {
            context.resetLimits();
            Value outcome =
                    compiled.computeIfAbsent(template, compiler::execute).execute(variables, now);
            String text = outcome.getArrayElement(1).asString();
            if (!outcome.getArrayElement(0).asBoolean()) {
                throw failed("the chat template refuses the messages: " + text, null);
            }
            return text;
        });
    }

    private String bounded(Supplier<String> work) {
        var result = new AtomicReference<@Nullable String>();
        var failure = new AtomicReference<@Nullable Throwable>();
        Thread thread = Thread.ofPlatform()
                .name("chat-template")
                .daemon()
                .stackSize(STACK_BYTES)
                .unstarted(() -> {
                    try {
                        result.set(work.get());
                    } catch (Throwable e) {
                        failure.set(e);
                    }
                });
        thread.start();
        String exceeded = watch(thread);
        Throwable thrown = failure.get();
        if (exceeded != null) {
            throw exceeded(exceeded, thrown);
        }
        if (thrown != null) {
            throw translate(thrown);
        }
        return String.valueOf(result.get());
    }

    /** @return what was exceeded, or null if the thread ended by itself */
    private @Nullable String watch(Thread thread) {
        long start = System.nanoTime();
        @Nullable String exceeded = null;
        try {
            while (!thread.join(PAUSE)) {
                if (THREADS.getThreadAllocatedBytes(thread.threadId()) > limits.allocatedBytes()) {
                    exceeded = (limits.allocatedBytes() >> 20) + " MiB of memory";
                } else if (System.nanoTime() - start > limits.time().toNanos()) {
                    exceeded = limits.time().toSeconds() + " s";
                }
                if (exceeded != null) {
                    context.close(true);
                    thread.join();
                }
            }
        } catch (InterruptedException e) {
            context.close(true);
            Thread.currentThread().interrupt();
            throw new JobCancelledException("interrupted while a chat template was rendered");
        }
        return exceeded;
    }

    private RuntimeException translate(Throwable thrown) {
        if (!(thrown instanceof PolyglotException e)) {
            return thrown instanceof RuntimeException known ? known : new IllegalStateException(thrown);
        }
        if (e.isResourceExhausted()) {
            return exceeded(limits.statements() + " statements, or its stack or memory", e);
        }
        String message = String.valueOf(e.getMessage());
        if (message.startsWith("RangeError")) {
            return exceeded("the length of a string (" + limits.characters() + ") or the depth of calls", e);
        }
        return e.isGuestException()
                ? failed("the chat template fails: " + message, e)
                : new IllegalStateException("the template's interpreter failed: " + message, e);
    }

    private static QuantizationException failed(String message, @Nullable Throwable cause) {
        return new QuantizationException(ErrorCode.CHAT_TEMPLATE_FAILED, message, cause);
    }

    private static QuantizationException exceeded(String what, @Nullable Throwable cause) {
        return new QuantizationException(
                ErrorCode.CHAT_TEMPLATE_EXCEEDED, "the chat template was stopped: it exceeded " + what, cause);
    }

    @Override
    public void close() {
        context.close(true);
    }
}
