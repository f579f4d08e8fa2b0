package io.octavo.standalone.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The processes of an embedded PostgreSQL: its server, and what this process starts it with.
 *
 * @param root with the programs in {@code server} and the data in {@code data}
 */
record ServerProcesses(Path root) {

    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** The server of the data, whoever started it. */
    Optional<ProcessHandle> server() {
        try {
            List<String> lines = Files.readAllLines(root.resolve("data").resolve("postmaster.pid"));
            return lines.isEmpty()
                    ? Optional.empty()
                    : ProcessHandle.of(Long.parseLong(lines.getFirst().strip())).filter(ProcessHandle::isAlive);
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends all, the server in order if it does so soon. */
    void end() {
        List<ProcessHandle> all = Stream.concat(ProcessHandle.current().descendants(), server().stream())
                .filter(this::isOurs)
                .toList();
        all.forEach(ProcessHandle::destroy);
        var ended =
                CompletableFuture.allOf(all.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new));
        ended.completeOnTimeout(null, PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                .join();
        all.forEach(ProcessHandle::destroyForcibly);
    }

    /** A number that a file names may be another program's by now. */
    private boolean isOurs(ProcessHandle process) {
        try {
            Path programs = root.resolve("server").toRealPath();
            return process.info()
                    .command()
                    .filter(command -> Path.of(command).startsWith(programs))
                    .isPresent();
        } catch (IOException notUnpacked) {
            return false;
        }
    }
}
