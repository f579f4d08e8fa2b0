package io.octavo.standalone.embedded;

import io.octavo.jobs.blob.ObjectSync;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** PostgreSQL and S3 on this machine, started side by side. */
public final class EmbeddedParts implements AutoCloseable {

    private final Home home;
    private @Nullable EmbeddedDatabase database;
    private @Nullable EmbeddedStorage storage;

    public EmbeddedParts(Home home) {
        this.home = home;
    }

    public void start() {
        CompletableFuture<EmbeddedDatabase> starting =
                CompletableFuture.supplyAsync(() -> EmbeddedDatabase.start(home));
        try {
            storage = EmbeddedStorage.start(home);
        } finally {
            database = join(starting);
        }
    }

    private static EmbeddedDatabase join(CompletableFuture<EmbeddedDatabase> starting) {
        try {
            return starting.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** How an application reaches the parts. */
    public Map<String, Object> settings() {
        EmbeddedDatabase running = Objects.requireNonNull(database, "not started");
        EmbeddedStorage objects = Objects.requireNonNull(storage, "not started");
        return Map.of(
                "octavo.database.url", running.url(),
                "octavo.database.username", running.user(),
                "octavo.database.password", running.password(),
                "octavo.storage.endpoint", objects.endpoint(),
                "octavo.storage.access-key", objects.credentials().accessKey(),
                "octavo.storage.secret-key", objects.credentials().secretKey());
    }

    public ObjectSync objectSync() {
        return Objects.requireNonNull(storage, "not started");
    }

    @Override
    public void close() {
        try {
            if (storage != null) {
                storage.close();
            }
        } finally {
            if (database != null) {
                database.close();
            }
        }
    }
}
