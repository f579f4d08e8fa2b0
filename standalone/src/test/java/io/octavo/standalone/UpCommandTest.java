package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.command.ExitCode;
import io.octavo.cli.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The service as a process that a user starts and stops. */
@Timeout(240)
class UpCommandTest {

    private static final Pattern UP = Pattern.compile("octavo is up at (\\S+),");

    @TempDir
    private Path folder;

    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @Test
    void aPortInUseIsToldBeforeAnythingIsMade() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Path home = folder.resolve("home");
            assertThat(execute("up", "--home", home.toString(), "--port", "" + taken.getLocalPort()))
                    .isEqualTo(ExitCode.FAILED);
            assertThat(err.toString(UTF_8))
                    .contains("port " + taken.getLocalPort() + " of 127.0.0.1", "--port", "[port-in-use]");
            assertThat(err.toString(UTF_8).lines()).hasSize(1);
            assertThat(home).doesNotExist();
        }
    }

    @Test
    void aHomeThatIsNoFolderIsRefusedWithTheReason() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "a");
        assertThat(execute("up", "--port", "0", "--home", file.toString())).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(UTF_8))
                .isEqualTo("error: the home " + file + " cannot be used: " + file + " is there already, as a file\n");
        Path home = Files.createDirectory(folder.resolve("half"));
        Files.createFile(home.resolve("work"));
        assertThat(execute("up", "--port", "0", "--home", home.toString())).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(UTF_8)).contains(home.resolve("work") + " is there already, as a file");
    }

    @Test
    void anAddressOfAnotherMachineIsRefused() {
        assertThat(execute("up", "--home", folder.resolve("home").toString(), "--bind", "192.0.2.1"))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(UTF_8)).contains("192.0.2.1", "[address-not-here]");
    }

    @Test
    void aCertificateNeedsItsKeyAndBothMustBeReadable() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "no PEM");
        assertThat(execute("up", "--tls-cert", file.toString())).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(UTF_8)).contains("go together");
        assertThat(execute("up", "--tls-cert", file.toString(), "--tls-key", file.toString()))
                .isEqualTo(ExitCode.USAGE);
        assertThat(execute("jobs", "--ca", file.toString())).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(UTF_8)).contains("--ca", "file");
    }

    @Test
    void itSpeaksHttpsToWhomeverTrustsItAndASignalEndsItWell() throws Exception {
        SelfSigned signed = SelfSigned.in(folder);
        Path home = folder.resolve("home");
        Path output = folder.resolve("output");
        OctavoProcess up = OctavoProcess.start(
                output,
                "up",
                "--port",
                "0",
                "--home",
                home.toString(),
                "--tls-cert",
                signed.certificate().toString(),
                "--tls-key",
                signed.key().toString());
        try {
            String url = Awaitility.await()
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> url(output), found -> !found.isEmpty());
            assertThat(url).startsWith("https://127.0.0.1:");
            assertThat(Files.readString(output)).contains("PostgreSQL", "schema, api and worker");
            String[] schemes = {"schemes", "--server", url, "--home", home.toString()};
            assertThat(execute(schemes)).isEqualTo(ExitCode.UNREACHABLE);
            assertThat(err.toString(UTF_8)).contains("certificate is not trusted", "--ca");
            List<String> trusting = new ArrayList<>(List.of(schemes));
            trusting.addAll(List.of("--ca", signed.certificate().toString()));
            assertThat(execute(trusting.toArray(String[]::new)))
                    .as(err.toString(UTF_8))
                    .isEqualTo(ExitCode.OK);
        } finally {
            up.signal("INT");
        }
        assertThat(up.exitCode()).as(up.output()).isEqualTo(ExitCode.OK);
        assertThat(Files.readString(output)).doesNotContain("Exception", "Java HotSpot", "OpenJDK");
    }

    private static String url(Path output) throws IOException {
        Matcher found = UP.matcher(Files.readString(output));
        return found.find() ? found.group(1) : "";
    }

    private int execute(String... arguments) {
        err.reset();
        var errors = new PrintStream(err, true, UTF_8);
        return OctavoMain.commandLine(new Terminal(errors, errors, false, 100), Map.of())
                .execute(arguments);
    }
}
