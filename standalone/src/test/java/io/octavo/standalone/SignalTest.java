package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is left of a command that is told to end. */
@Timeout(240)
class SignalTest {

    private static final Path ROOT = ProjectFolder.root();
    private static final Path MODEL = ROOT.resolve("examples/models/books-5m");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"compressed-tensors,INT,130", "gptq,TERM,143"})
    void quantizingLeavesNothingBesideTheTarget(String layout, String signal, int exitCode) throws Exception {
        Path models = Files.createDirectory(folder.resolve("models"));
        try (OctavoProcess quantize = slowQuantize(models.resolve("out"), layout)) {
            awaitStaging(models);
            quantize.signal(signal);
            assertThat(quantize.exitCode()).as(quantize.output()).isEqualTo(exitCode);
            assertThat(names(models)).isEmpty();
            assertThat(quantize.output()).doesNotContain("Exception", "error:", "Java HotSpot", "OpenJDK");
        }
    }

    @Test
    void whatAKilledRunLeftIsRemovedByTheNextAndALiveOneKeepsItsOwn() throws Exception {
        Path models = Files.createDirectory(folder.resolve("models"));
        try (OctavoProcess killed = slowQuantize(models.resolve("out"), "compressed-tensors")) {
            awaitStaging(models);
            killed.signal("KILL");
            killed.exitCode();
        }
        List<String> left = names(models);
        assertThat(left).isNotEmpty();
        try (OctavoProcess alive = slowQuantize(models.resolve("out"), "compressed-tensors")) {
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> names(models), now -> !now.isEmpty() && Collections.disjoint(now, left));
            List<String> live = names(models);
            quantizeHere(models.resolve("out"));
            assertThat(names(models)).containsAll(live).contains("out");
            alive.signal("TERM");
            assertThat(alive.exitCode()).isEqualTo(143);
        }
        assertThat(names(models)).containsExactly("out");
    }

    /** At moments of its start: while programs are unpacked, when the database is made, when its server runs, when all else starts. */
    @ParameterizedTest
    @CsvSource({
        "postgres/server/PG-*/bin/initdb,TERM,143",
        "postgres/data/PG_VERSION,INT,130",
        "postgres/data/postmaster.pid,TERM,143",
        "postgres/initialized,TERM,143"
    })
    void aStartThatIsCutShortLeavesNoProcess(String moment, String signal, int exitCode) throws Exception {
        Path home = folder.resolve("home");
        try (OctavoProcess up =
                OctavoProcess.start(folder.resolve("output"), "up", "--port", "0", "--home", home.toString())) {
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> isThere(home, moment));
            up.signal(signal);
            assertThat(up.exitCode()).as(up.output()).isEqualTo(exitCode);
            assertThat(up.output()).doesNotContain("Exception", "error:", "octavo is up", "Java HotSpot", "OpenJDK");
        }
        Path programs = home.resolve("postgres/server").toRealPath();
        assertThat(ProcessHandle.allProcesses()
                        .flatMap(process -> process.info().command().stream())
                        .filter(command -> Path.of(command).startsWith(programs)))
                .isEmpty();
        try (Standalone next = Standalone.start(new StandaloneOptions(home, 0, List.of()))) {
            assertThat(next.baseUrl()).startsWith("http:");
        }
    }

    /** @param pattern below the home, as a shell writes it */
    private static boolean isThere(Path home, String pattern) throws IOException {
        if (!pattern.contains("*")) {
            return Files.exists(home.resolve(pattern));
        }
        PathMatcher matcher = home.getFileSystem().getPathMatcher("glob:" + home + "/" + pattern);
        Path server = home.resolve("postgres/server");
        if (Files.notExists(server)) {
            return false;
        }
        try (Stream<Path> files = Files.find(server, 3, (path, _) -> matcher.matches(path))) {
            return files.findAny().isPresent();
        } catch (UncheckedIOException changed) {
            return false; // it is being unpacked
        }
    }

    @Test
    void aSecondSignalEndsAtOnceWhatClosesForever() throws Exception {
        Path closing = folder.resolve("closing");
        try (OctavoProcess stuck = OctavoProcess.start(folder.resolve("output"), Stuck.class, closing.toString())) {
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> stuck.output().contains("ready"));
            stuck.signal("INT");
            Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> Files.exists(closing));
            assertThat(stuck.process().isAlive()).isTrue();
            stuck.signal("INT");
            assertThat(stuck.exitCode()).isEqualTo(130);
        }
    }

    /** Writes the file that it is given once it closes, and closes forever. */
    static final class Stuck {
        public static void main(String[] arguments) throws Exception {
            ProcessEnd.followSignals(Terminal.system());
            ProcessEnd.closing(() -> {
                try {
                    Files.createFile(Path.of(arguments[0]));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                while (true) {
                    LockSupport.park();
                }
            });
            System.out.println("ready");
            ProcessEnd.awaitSignal();
        }
    }

    @Test
    void aServiceTellsHowItEnds() throws Exception {
        try (OctavoProcess serving = OctavoProcess.start(folder.resolve("output"), Serving.class)) {
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> serving.output().contains("ready"));
            serving.signal("TERM");
            assertThat(serving.exitCode()).isEqualTo(ExitCode.OK);
            assertThat(serving.output()).contains("jobs handed back");
        }
    }

    /** Logs while it closes. */
    static final class Serving {
        public static void main(String[] arguments) throws Exception {
            ProcessEnd.followSignals(Terminal.system());
            ProcessEnd.closing(() -> System.out.println("jobs handed back"));
            Thread main = Thread.currentThread();
            Thread.ofVirtual().start(() -> {
                while (main.getState() != Thread.State.WAITING) {
                    Thread.onSpinWait();
                }
                System.out.println("ready");
            });
            ProcessEnd.awaitSignal();
        }
    }

    /** One that takes a while: every layer is solved on texts. */
    private OctavoProcess slowQuantize(Path target, String layout) throws IOException {
        return OctavoProcess.start(
                folder.resolve("output"),
                "quantize",
                MODEL.toString(),
                target.toString(),
                "--scheme",
                "W4A16_G32",
                "--layout",
                layout,
                "--gptq",
                "--device",
                "cpu",
                "--calibration",
                ROOT.resolve("examples/data/books-calibration.jsonl").toString());
    }

    private static void quantizeHere(Path target) {
        var output = new ByteArrayOutputStream();
        var stream = new PrintStream(output, true, UTF_8);
        assertThat(OctavoMain.commandLine(new Terminal(stream, stream, false, 100), Map.of())
                        .execute(
                                "quantize",
                                MODEL.toString(),
                                target.toString(),
                                "--scheme",
                                "FP8_DYNAMIC",
                                "--device",
                                "cpu"))
                .as(output.toString(UTF_8))
                .isEqualTo(ExitCode.OK);
    }

    private static void awaitStaging(Path models) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .until(() -> names(models).stream().anyMatch(name -> name.startsWith(".out.staging-")));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> children = Files.list(folder)) {
            return children.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }
}
