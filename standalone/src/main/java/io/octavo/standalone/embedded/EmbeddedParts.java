package io.octavo.standalone.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What stands in for a cluster on this machine: a PostgreSQL, and a folder of objects. */
public final class EmbeddedParts implements AutoCloseable {

    private final Home home;
    private @Nullable EmbeddedDatabase database;

    public EmbeddedParts(Home home) {
        this.home = home;
    }

    public void start() {
        // Of a home whose objects a server kept; nothing asks for them any more.
        try {
            Files.deleteIfExists(home.root().resolve("storage-credentials"));
        } catch (IOException e) {
            throw new StandaloneException("the home " + home.root() + " cannot be used: " + e.getMessage(), e);
        }
        database = EmbeddedDatabase.start(home);
    }

    /** How an application reaches the parts. */
    public Map<String, Object> settings() {
        EmbeddedDatabase running = Objects.requireNonNull(database, "not started");
        Path objects = home.folder("objects");
        return Map.of(
                "octavo.database.url", running.url(),
                "octavo.database.username", running.user(),
                "octavo.database.password", running.password(),
                "octavo.storage.endpoint", objects.toUri().toString());
    }

    @Override
    public void close() {
        if (database != null) {
            database.close();
        }
    }
}
