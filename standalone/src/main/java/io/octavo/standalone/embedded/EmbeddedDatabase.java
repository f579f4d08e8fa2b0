package io.octavo.standalone.embedded;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.FileSystemUtils;

/**
 * A PostgreSQL over a folder of the home, durable, on loopback. Whoever connects needs a password that lies in the home;
 * the service does so as a role that owns its database and nothing else. The port is kept, so that a server which
 * outlived its process is found and taken over by the next one; one that ends before its process is started again.
 */
final class EmbeddedDatabase implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedDatabase.class);
    private static final Duration START_LIMIT = Duration.ofSeconds(60); // recovery after a crash takes a while
    private static final Duration WATCH = Duration.ofSeconds(1);

    /** Two segments of its log. */
    private static final long ROOM_TO_START = 32L << 20;

    private final Path root;
    private final Path data;
    private final DatabaseRoles roles;
    private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("postgres-watch").factory());
    private EmbeddedPostgres server;
    private boolean told;

    private EmbeddedDatabase(Path root, Path data, DatabaseRoles roles) throws IOException {
        this.root = root;
        this.data = data;
        this.roles = roles;
        this.server = launch(root, data, roles);
    }

    static EmbeddedDatabase start(Home home) {
        Path root = home.folder("postgres");
        Path data = root.resolve("data");
        Path initialized = root.resolve("initialized");
        try {
            if (Files.notExists(initialized)) {
                new ServerProcesses(root).end();
                FileSystemUtils.deleteRecursively(data); // what an interrupted first start left
            }
            var binaries = new ServerBinaries(home.folder("postgres/server"));
            binaries.removeIfOthersMayWrite();
            DatabaseRoles roles = DatabaseRoles.in(root);
            var database = new EmbeddedDatabase(root, data, roles);
            binaries.closeToOthers();
            database.requireOurs(data);
            roles.requirePasswords(database.url("postgres"), data);
            roles.createDatabase(database.url("postgres"), database.url(DatabaseRoles.DATABASE));
            Files.writeString(initialized, "");
            database.watch();
            return database;
        } catch (IOException | SQLException | RuntimeException e) {
            endProcesses(
                    home); // the library leaves what it began running, such as a server that does not answer in time
            throw new StandaloneException("the embedded PostgreSQL did not start: " + e.getMessage(), e);
        }
    }

    /** Ends what a start that does not return any more has begun. */
    static void endProcesses(Home home) {
        new ServerProcesses(home.folder("postgres")).end();
    }

    private void watch() {
        long period = WATCH.toMillis();
        var _ = watch.scheduleWithFixedDelay(this::startAgainIfEnded, period, period, TimeUnit.MILLISECONDS);
    }

    /**
     * A server ends by itself where nothing else would keep its data whole, such as when its log finds no room on the disk.
     * It would find none again until there is some.
     */
    private synchronized void startAgainIfEnded() {
        try {
            if (new ServerProcesses(root).server().isPresent()) {
                return;
            }
            if (Files.getFileStore(data).getUsableSpace() < ROOM_TO_START) {
                tell("The embedded PostgreSQL has ended, and its disk has no room to start it again");
                return;
            }
            tell("The embedded PostgreSQL has ended; it is started again");
            server.close(); // of the one that ended, for its lock
            server = launch(root, data, roles);
            told = false;
        } catch (IOException | RuntimeException e) {
            LOG.warn("The embedded PostgreSQL could not be started again: {}", e.getMessage());
        }
    }

    private void tell(String what) {
        if (!told) {
            LOG.warn("{}", what);
            told = true;
        }
    }

    private static EmbeddedPostgres launch(Path root, Path data, DatabaseRoles roles) throws IOException {
        return EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setOverrideWorkingDirectory(root.resolve("server").toFile())
                .setRegisterShutdownHook(false)
                .setPort(port(root.resolve("port"), data))
                .setPGStartupWait(START_LIMIT)
                .setServerConfig("listen_addresses", "127.0.0.1")
                .setServerConfig("unix_socket_directories", "")
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("max_connections", "50")
                .setLocaleConfig("locale-provider", "builtin")
                .setLocaleConfig("builtin-locale", "C.UTF-8")
                .setLocaleConfig("locale", "C")
                // These are options of initdb as well: no server of ours ever ran without asking for a password.
                .setLocaleConfig("auth-host", DatabaseRoles.METHOD)
                .setLocaleConfig("auth-local", DatabaseRoles.METHOD)
                .setLocaleConfig("pwfile", roles.superuserPasswordFile().toString())
                .setConnectConfig("password", roles.superuserPassword())
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
        try (Connection connection = DriverManager.getConnection(
                        url("postgres"), DatabaseRoles.SUPERUSER, roles.superuserPassword());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("show data_directory")) {
            row.next();
            Path actual = Path.of(row.getString(1));
            if (!actual.toRealPath().equals(data.toRealPath())) {
                throw new IllegalStateException("port " + server.getPort() + " belongs to another PostgreSQL");
            }
        }
    }

    private synchronized String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + server.getPort() + "/" + database;
    }

    String url() {
        return url(DatabaseRoles.DATABASE);
    }

    String user() {
        return DatabaseRoles.OWNER;
    }

    String password() {
        return roles.ownerPassword();
    }

    @Override
    public synchronized void close() {
        watch.shutdownNow();
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
