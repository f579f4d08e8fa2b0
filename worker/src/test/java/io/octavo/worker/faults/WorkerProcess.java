package io.octavo.worker.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A worker that lives, dies and lives again as a child process. Only processes that were started here are signalled. */
final class WorkerProcess implements AutoCloseable {

    private final String name;
    private final Path folder;
    private final Map<String, String> settings;
    private final int skewSeconds;
    private final @Nullable Path skewLibrary;
    private @Nullable Process process;
    private boolean frozen;

    WorkerProcess(String name, Path folder, Map<String, String> settings, int skewSeconds, @Nullable Path skewLibrary) {
        this.name = name;
        this.folder = folder;
        this.settings = Map.copyOf(settings);
        this.skewSeconds = skewSeconds;
        this.skewLibrary = skewLibrary;
    }

    void start() {
        try {
            Files.createDirectories(folder);
            ProcessBuilder builder = new ProcessBuilder(command())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
            if (skewLibrary != null) {
                builder.environment().put("LD_PRELOAD", skewLibrary.toString());
                builder.environment().put("OCTAVO_CLOCK_SKEW", Integer.toString(skewSeconds));
            }
            process = builder.start();
            frozen = false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> command() {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx192m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:+UnlockDiagnosticVMOptions",
                "-XX:-BytecodeVerificationRemote", // starts make most of a run's work
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                classPath,
                WorkerMain.class.getName(),
                "--octavo.worker.name=" + name,
                "--octavo.worker.work-directory=" + folder.resolve("work"),
                "--journal=" + journal(),
                "--full=" + full()));
        settings.forEach((key, value) -> command.add("--" + key + "=" + value));
        return command;
    }

    String name() {
        return name;
    }

    Path journal() {
        return folder.resolve("journal");
    }

    Path log() {
        return folder.resolve("log");
    }

    /** While this file is there, the worker's disk is full. */
    Path full() {
        return folder.resolve("full");
    }

    boolean isAlive() {
        return process != null && process.isAlive();
    }

    /** It has started and works, as far as anybody can tell. */
    boolean isUp() {
        Process current = process;
        if (current == null || !current.isAlive() || frozen) {
            return false;
        }
        try {
            return Files.exists(journal()) && Files.readString(journal()).contains(current.pid() + " start");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void freeze() {
        signal("STOP");
        frozen = true;
    }

    void thaw() {
        signal("CONT");
        frozen = false;
    }

    /** As the kernel does when memory runs out. */
    void kill() {
        if (process != null) {
            process.destroyForcibly();
            await();
        }
    }

    /** As an orchestrator does. */
    void terminate() {
        if (process != null) {
            process.destroy();
        }
    }

    private void signal(String signal) {
        if (process == null || !process.isAlive()) {
            return;
        }
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void await() {
        try {
            if (process != null && !process.waitFor(30, TimeUnit.SECONDS)) {
                throw new IllegalStateException("worker " + name + " does not die");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        kill();
    }
}
