package io.octavo.standalone.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What stands in for a cluster on this machine: a PostgreSQL, and a folder of objects. */
public final class EmbeddedParts implements AutoCloseable {

    private static final Duration LONGEST_END_OF_START = Duration.ofSeconds(20);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Home home;
    private final CompletableFuture<EmbeddedDatabase> database = new CompletableFuture<>();
    private @Nullable Thread starting;
    private boolean closed;

    public EmbeddedParts(Home home) {
        this.home = home;
    }

    /** @throws StandaloneException if they do not start, or are closed before they have */
    public void start() {
        begin();
        try {
            // Of a home whose objects a server kept; nothing asks for them any more.
            Files.deleteIfExists(home.root().resolve("storage-credentials"));
            database.complete(EmbeddedDatabase.start(home));
        } catch (IOException e) {
            throw Home.unusable(home.root(), e);
        } finally {
            database.cancel(false); // where it has not come to be
        }
    }

    private synchronized void begin() {
        if (closed) {
            throw new StandaloneException("closed before it started");
        }
        starting = Thread.currentThread();
    }

    /** How an application reaches the parts. */
    public Map<String, Object> settings() {
        EmbeddedDatabase running = database.join();
        Path objects = home.folder("objects");
        return Map.of(
                "octavo.database.url", running.url(),
                "octavo.database.username", running.user(),
                "octavo.database.password", running.password(),
                "octavo.storage.endpoint", objects.toUri().toString());
    }

    /** Ends what runs, and a start that another thread is at, with all its processes. */
    @Override
    public void close() {
        Thread starter = end();
        long deadline = System.nanoTime() + LONGEST_END_OF_START.toNanos();
        while (starter != null && !database.isDone() && System.nanoTime() < deadline) {
            starter.interrupt();
            EmbeddedDatabase.endProcesses(home);
            LockSupport.parkNanos(PAUSE.toNanos());
        }
        if (database.isDone() && !database.isCompletedExceptionally()) {
            database.join().close();
        } else if (starter != null) {
            // What it began between the last look and its own end, such as an initdb behind programs just unpacked.
            EmbeddedDatabase.endProcesses(home);
        }
    }

    private synchronized @Nullable Thread end() {
        closed = true;
        return starting;
    }
}
