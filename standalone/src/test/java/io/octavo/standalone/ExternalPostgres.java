package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A PostgreSQL that this machine has installed, with the tools that belong to it. */
final class ExternalPostgres implements AutoCloseable {

    private final Path tools;
    private final Path data;
    private final int port;

    private ExternalPostgres(Path tools, Path data, int port) {
        this.tools = tools;
        this.data = data;
        this.port = port;
    }

    /** Where a server lies beside pg_dump and pg_restore of the same release; empty where none is installed. */
    static Optional<Path> installed() throws IOException {
        List<Path> candidates = new ArrayList<>();
        Pattern.compile(":")
                .splitAsStream(System.getenv().getOrDefault("PATH", ""))
                .map(Path::of)
                .forEach(candidates::add);
        Path debian = Path.of("/usr/lib/postgresql");
        if (Files.isDirectory(debian)) {
            try (Stream<Path> releases = Files.list(debian)) {
                releases.sorted().map(release -> release.resolve("bin")).forEach(candidates::add);
            }
        }
        return candidates.stream()
                .filter(folder -> Stream.of("initdb", "pg_ctl", "postgres", "pg_dump", "pg_restore", "createdb")
                        .allMatch(tool -> Files.isExecutable(folder.resolve(tool))))
                .findFirst();
    }

    static ExternalPostgres start(Path tools, Path folder) throws IOException {
        ExternalPostgres server = new ExternalPostgres(tools, folder.resolve("data"), freePort());
        server.run("initdb", "-D", server.data.toString(), "-U", "postgres", "-A", "trust", "-E", "UTF8");
        server.run(
                "pg_ctl",
                "-D",
                server.data.toString(),
                "-l",
                folder.resolve("log").toString(),
                "-o",
                "-p " + server.port + " -h 127.0.0.1 -k " + folder,
                "-w",
                "start");
        return server;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    Path tools() {
        return tools;
    }

    void createDatabase(String name) throws IOException {
        run("createdb", "-h", "127.0.0.1", "-p", Integer.toString(port), "-U", "postgres", name);
    }

    String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    /** As the tools take it. */
    String url(String database) {
        return "postgresql://postgres@127.0.0.1:" + port + "/" + database;
    }

    /** The server refuses root, whom a user namespace makes nobody. */
    private void run(String tool, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        if (System.getProperty("user.name").equals("root")) {
            command.addAll(List.of("unshare", "-U"));
        }
        command.add(tools.resolve(tool).toString());
        command.addAll(List.of(arguments));
        Path output = data.resolveSibling(tool + ".out");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.onExit().orTimeout(100, TimeUnit.SECONDS).join().exitValue())
                .as(Files.readString(output))
                .isZero();
    }

    @Override
    public void close() throws IOException {
        run("pg_ctl", "-D", data.toString(), "-m", "fast", "stop");
    }
}
