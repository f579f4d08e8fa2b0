package io.octavo.standalone.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What other users of the machine can do to an embedded PostgreSQL, and what the service itself can. */
@Timeout(120)
class EmbeddedDatabaseTest {

    private static final String WRONG_PASSWORD = "28P01";
    private static final String NOT_ALLOWED = "42501";

    @Test
    void nobodyConnectsWithoutAPasswordAndTheServiceIsNoSuperuser(@TempDir Path folder) throws Exception {
        try (Home home = Home.lock(folder.resolve("home"));
                EmbeddedDatabase database = EmbeddedDatabase.start(home)) {
            assertRefused(database.url(), "postgres", "");
            assertRefused(database.url(), "octavo", "");
            assertRefused(database.url(), "postgres", database.password());
            try (Connection service =
                    DriverManager.getConnection(database.url(), database.user(), database.password())) {
                assertThat(text(service, "select rolsuper::text from pg_roles where rolname = current_user"))
                        .isEqualTo("false");
                assertThatExceptionOfType(SQLException.class)
                        .isThrownBy(() -> execute(service, "copy (select 1) to program 'true'"))
                        .satisfies(refused -> assertThat(refused.getSQLState()).isEqualTo(NOT_ALLOWED));
                execute(service, "create table kept (id int)");
            }
        }
    }

    @Test
    void nothingOfTheHomeCanBeReadOrReplacedByOthers(@TempDir Path folder) throws Exception {
        Path root = folder.resolve("home");
        Files.createDirectory(root, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        try (Home home = Home.lock(root);
                EmbeddedDatabase database = EmbeddedDatabase.start(home)) {
            assertThat(database.password()).hasSizeGreaterThan(32);
            for (String name : List.of("", "postgres", "postgres/server", "postgres/data")) {
                assertThat(permissions(root.resolve(name))).as(name).isEqualTo("rwx------");
            }
            try (Stream<Path> binaries = Files.walk(root.resolve("postgres/server"))) {
                assertThat(binaries.filter(path -> !Files.isSymbolicLink(path)))
                        .allSatisfy(path -> assertThat(permissions(path)).endsWith("------"));
            }
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            assertThat(exitAsNobody("cat", root.resolve("postgres/password").toString()))
                    .isNotZero();
            assertThat(exitAsNobody("ls", root.toString())).isNotZero();
            assertThat(exitAsNobody("ls", folder.toString())).isZero();
        }
    }

    @Test
    void takesOverAHomeWhoseServerTrustedEverybody(@TempDir Path folder) throws Exception {
        try (Home home = Home.lock(folder.resolve("home"))) {
            Path root = home.folder("postgres");
            try (EmbeddedPostgres old = trusting(root);
                    Connection connection = old.getPostgresDatabase().getConnection()) {
                execute(connection, "create database octavo");
                try (Connection octavo = DriverManager.getConnection(old.getJdbcUrl("postgres", "octavo"))) {
                    execute(octavo, "create table kept (id bigint generated always as identity, name text)");
                    execute(octavo, "create view seen as select name from kept");
                    execute(octavo, "create function one() returns int language sql as 'select 1'");
                    execute(octavo, "create sequence counted");
                    execute(octavo, "insert into kept (name) values ('a row')");
                }
                Files.writeString(root.resolve("port"), Integer.toString(old.getPort()));
            }
            Files.writeString(root.resolve("initialized"), "");

            try (EmbeddedDatabase database = EmbeddedDatabase.start(home)) {
                assertRefused(database.url(), "postgres", "");
                try (Connection service =
                        DriverManager.getConnection(database.url(), database.user(), database.password())) {
                    assertThat(text(service, "select name from seen")).isEqualTo("a row");
                    execute(service, "alter table kept add column more int");
                    execute(service, "drop view seen; drop function one(); drop sequence counted");
                }
            }
            try (EmbeddedDatabase again = EmbeddedDatabase.start(home)) {
                assertRefused(again.url(), "postgres", "");
            }
        }
    }

    private static EmbeddedPostgres trusting(Path root) throws IOException {
        return EmbeddedPostgres.builder()
                .setDataDirectory(root.resolve("data"))
                .setCleanDataDirectory(false)
                .setOverrideWorkingDirectory(root.resolve("server").toFile())
                .start();
    }

    private static void assertRefused(String url, String user, String password) {
        assertThatExceptionOfType(SQLException.class)
                .isThrownBy(
                        () -> DriverManager.getConnection(url, user, password).close())
                .satisfies(refused -> assertThat(refused.getSQLState()).isIn(WRONG_PASSWORD, "08004"));
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String text(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            assertThat(rows.next()).isTrue();
            return rows.getString(1);
        }
    }

    private static String permissions(Path path) {
        try {
            return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Only root can become another user. */
    private static int exitAsNobody(String... command) throws IOException, InterruptedException {
        assumeThat(System.getProperty("user.name")).isEqualTo("root");
        return new ProcessBuilder(Stream.concat(
                                Stream.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
                                Stream.of(command))
                        .toList())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
    }
}
