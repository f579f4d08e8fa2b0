package io.octavo.standalone.embedded;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.springframework.util.FileSystemUtils;

/**
 * A PostgreSQL over a folder of the home, durable, on loopback. It trusts every local user, as its documentation says.
 * Its port is kept, so that a server which outlived its process is found and taken over by the next one.
 */
final class EmbeddedDatabase implements AutoCloseable {

    private static final String DATABASE = "octavo";
    private static final String USER = "postgres";
    private static final Duration START_LIMIT = Duration.ofSeconds(60); // recovery after a crash takes a while

    private final EmbeddedPostgres server;

    private EmbeddedDatabase(EmbeddedPostgres server) {
        this.server = server;
    }

    static EmbeddedDatabase start(Home home) {
        Path root = home.folder("postgres");
        Path data = root.resolve("data");
        Path initialized = root.resolve("initialized");
        try {
            if (Files.notExists(initialized)) {
                FileSystemUtils.deleteRecursively(data); // what an interrupted first start left
            }
            EmbeddedDatabase database = new EmbeddedDatabase(launch(root, data));
            database.requireOurs(data);
            database.createDatabase();
            Files.writeString(initialized, "");
            return database;
        } catch (IOException | SQLException | IllegalStateException e) {
            throw new StandaloneException("the embedded PostgreSQL did not start: " + e.getMessage(), e);
        }
    }

    private static EmbeddedPostgres launch(Path root, Path data) throws IOException {
        return EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setOverrideWorkingDirectory(root.resolve("server").toFile())
                .setRegisterShutdownHook(false)
                .setPort(port(root.resolve("port"), data))
                .setPGStartupWait(START_LIMIT)
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("max_connections", "50")
                .setLocaleConfig("locale-provider", "builtin")
                .setLocaleConfig("builtin-locale", "C.UTF-8")
                .setLocaleConfig("locale", "C")
                .start();
    }

    /** The kept port if our server still listens there or nobody does; a new one else. */
    private static int port(Path file, Path data) throws IOException {
        if (Files.exists(file)) {
            int kept = Integer.parseInt(Files.readString(file).strip());
            if (isFree(kept) || Files.exists(data.resolve("postmaster.pid"))) {
                return kept;
            }
        }
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Files.writeString(file, Integer.toString(socket.getLocalPort()));
            return socket.getLocalPort();
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }

    private void requireOurs(Path data) throws SQLException, IOException {
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("show data_directory")) {
            row.next();
            Path actual = Path.of(row.getString(1));
            if (!actual.toRealPath().equals(data.toRealPath())) {
                throw new IllegalStateException("port " + server.getPort() + " belongs to another PostgreSQL");
            }
        }
    }

    private void createDatabase() throws SQLException {
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            boolean exists;
            try (ResultSet row =
                    statement.executeQuery("select 1 from pg_database where datname = '" + DATABASE + "'")) {
                exists = row.next();
            }
            if (!exists) {
                statement.execute("create database " + DATABASE);
            }
        }
    }

    String url() {
        return "jdbc:postgresql://localhost:" + server.getPort() + "/" + DATABASE;
    }

    String user() {
        return USER;
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
