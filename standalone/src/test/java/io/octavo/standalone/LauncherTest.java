package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The launcher script, in a folder of its own, with a JDK and a Maven that only write down how they were called. */
@EnabledOnOs(OS.LINUX)
class LauncherTest {

    private static final List<String> TOOLS = List.of(
            "bash",
            "sh",
            "cat",
            "cp",
            "dirname",
            "env",
            "find",
            "flock",
            "grep",
            "head",
            "mkdir",
            "mv",
            "paste",
            "readlink",
            "rm",
            "sed",
            "sleep",
            "sort",
            "stty",
            "tail",
            "touch");

    private static final String JAVA = """
            #!/bin/sh
            for argument in "$@"; do
              case "$argument" in
                -XX:AOTConfiguration=*) echo conf > "${argument#*=}" ;;
                -XX:AOTMode=create) training=yes ;;
                -XX:AOTCache=*) if [ -n "$training" ]; then echo cache > "${argument#*=}"; exit 0; fi ;;
              esac
            done
            echo "WARNING: Using incubator modules: jdk.incubator.vector" >&2
            printf 'something else\\n' >&2
            echo "home=${0%/bin/java}"
            for argument in "$@"; do printf 'arg=%s\\n' "$argument"; done
            if [ -n "$FAKE_WAITS" ]; then
              trap 'echo ended; exit 143' TERM
              echo > "$FAKE_WAITS"
              while :; do sleep 0.05; done
            fi
            exit "${FAKE_EXIT:-0}"
            """;

    private static final String MAVEN = """
            #!/bin/sh
            echo "$@" >> "$MVN_CALLS"
            echo "[INFO] Building Octavo: kernels 0.1.0-SNAPSHOT                  [3/9]"
            echo "[INFO] Nothing to compile"
            if [ -n "$FAKE_MVN_FAILS" ]; then echo "[ERROR] cannot find symbol"; exit 1; fi
            mkdir -p "$PROJECT/standalone/target/octavo/lib"
            touch "$PROJECT/standalone/target/octavo/lib/b.jar" "$PROJECT/standalone/target/octavo/lib/a.jar"
            """;

    private record Outcome(int code, String out, String err) {}

    @TempDir
    private Path folder;

    private Path project = Path.of("");
    private Path bin = Path.of("");
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void layOut() throws IOException {
        project = Files.createDirectories(folder.resolve("a project"));
        Files.createDirectories(project.resolve("standalone/src/main/java"));
        Files.writeString(project.resolve("pom.xml"), "");
        Files.writeString(project.resolve("standalone/pom.xml"), "");
        Files.copy(ProjectFolder.root().resolve("octavo"), project.resolve("octavo"));
        bin = Files.createDirectories(folder.resolve("bin"));
        for (String tool : TOOLS) {
            script(bin.resolve(tool), "#!/bin/sh\nexec " + find(tool) + " \"$@\"\n");
        }
        script(bin.resolve("mvn"), MAVEN);
        jdk("jdks/jdk-25", "25.0.1");
        environment.put("PATH", bin.toString());
        environment.put("HOME", folder.toString());
        environment.put("OCTAVO_JDK_FOLDERS", folder.resolve("jdks").toString());
        environment.put("MVN_CALLS", folder.resolve("mvn-calls").toString());
        environment.put("PROJECT", project.toString());
    }

    @Test
    void aMissingJdkIsOneLineThatSaysWhatToInstall() throws Exception {
        environment.put("OCTAVO_JDK_FOLDERS", folder.resolve("none").toString());
        environment.put("JAVA_HOME", jdk("old/jdk-17", "17.0.15").toString());

        Outcome outcome = run(project.resolve("octavo"), "demo");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err().lines()).hasSize(1);
        assertThat(outcome.err()).contains("needs a JDK of version 25 or newer", "install", "JAVA_HOME");
    }

    @Test
    void aJavaWithoutCompilerIsNotEnough() throws Exception {
        Files.delete(folder.resolve("jdks/jdk-25/bin/javac"));

        assertThat(run(project.resolve("octavo"), "jobs").code()).isEqualTo(2);
    }

    @Test
    void takesTheNewestJdkWhereJavaHomeIsTooOld() throws Exception {
        jdk("jdks/jdk-26", "26");
        environment.put("JAVA_HOME", jdk("old/jdk-17", "17.0.15").toString());

        assertThat(run(project.resolve("octavo"), "jobs").out()).contains("home=" + folder.resolve("jdks/jdk-26"));
    }

    @Test
    void keepsAJavaHomeThatIsNewEnough() throws Exception {
        Path given = jdk("given/jdk-25", "25");
        environment.put("JAVA_HOME", given.toString());

        assertThat(run(project.resolve("octavo"), "jobs").out()).contains("home=" + given);
    }

    @Test
    void aMissingMavenIsOneLineThatSaysWhatToInstall() throws Exception {
        Files.delete(bin.resolve("mvn"));

        Outcome outcome = run(project.resolve("octavo"), "jobs");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err().lines()).hasSize(1);
        assertThat(outcome.err()).contains("needs Maven", "apt-get install maven");
    }

    @Test
    void buildsOnceAndAgainWhenASourceChanges() throws Exception {
        Outcome first = run(project.resolve("octavo"), "jobs");
        assertThat(first.err()).contains("building (the first time downloads about", "building kernels (3/9)");
        assertThat(first.err()).doesNotContain("Nothing to compile");
        assertThat(mavenCalls()).isEqualTo(1);

        assertThat(run(project.resolve("octavo"), "jobs").err()).doesNotContain("building");
        assertThat(mavenCalls()).isEqualTo(1);

        Path source = Files.writeString(project.resolve("standalone/src/main/java/A.java"), "class A {}");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plus(Duration.ofSeconds(5))));
        assertThat(run(project.resolve("octavo"), "jobs").err()).contains("building, since sources have changed");
        assertThat(mavenCalls()).isEqualTo(2);
    }

    @Test
    void aFailedBuildShowsTheLogsEndAndWhereItIs() throws Exception {
        environment.put("FAKE_MVN_FAILS", "yes");

        Outcome outcome = run(project.resolve("octavo"), "jobs");

        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.err())
                .contains(
                        "cannot find symbol",
                        "the build failed",
                        project.resolve(".build/build.log").toString());
    }

    @Test
    void runsThroughALinkFromAnyFolderWithArgumentsAsTheyAre() throws Exception {
        Path links = Files.createDirectories(folder.resolve("links"));
        Files.createSymbolicLink(links.resolve("second"), Path.of("../a project/octavo"));
        Files.createSymbolicLink(links.resolve("first"), Path.of("second"));
        environment.put("OCTAVO_JAVA_OPTS", "-Xmx8g -Dx=y");

        Outcome outcome = run(links.resolve("first"), "push", "my model", "a/b", "");

        Path lib = project.resolve("standalone/target/octavo/lib");
        assertThat(outcome.out())
                .contains("arg=-cp\narg=" + lib.resolve("a.jar") + ":" + lib.resolve("b.jar") + "\n")
                .containsPattern("arg=-Xmx1g\narg=-XX:MaxDirectMemorySize=\\d+[kg]\narg=-Xmx8g\narg=-Dx=y\n")
                .contains("arg=-Doctavo.root=" + project + "\n")
                .endsWith("arg=io.octavo.standalone.OctavoMain\narg=push\narg=my model\narg=a/b\narg=\n");
    }

    @Test
    void spendsNoTimeOnOptimizedCodeForACallAndAllThatPaysForWork() throws Exception {
        assertThat(run(project.resolve("octavo"), "jobs").out()).contains("arg=-XX:TieredStopAtLevel=1\n");
        for (String work : List.of("demo", "up", "api", "worker", "serve", "quantize", "generate", "convert")) {
            assertThat(run(project.resolve("octavo"), work).out()).as(work).doesNotContain("TieredStopAtLevel");
        }
    }

    @Test
    void dropsTheIncubatorWarningAndNothingElse() throws Exception {
        run(project.resolve("octavo"), "jobs");

        assertThat(run(project.resolve("octavo"), "jobs").err()).isEqualTo("something else\n");
    }

    @Test
    void passesTheExitCodeOn() throws Exception {
        environment.put("FAKE_EXIT", "3");

        assertThat(run(project.resolve("octavo"), "jobs").code()).isEqualTo(3);
        assertThat(run(project.resolve("octavo"), "demo").code()).isEqualTo(3);
    }

    @Test
    void theFirstDemoMakesACacheThatLaterRunsUse() throws Exception {
        assertThat(run(project.resolve("octavo"), "demo").out()).contains("arg=-XX:AOTMode=record");

        String cache = "arg=-XX:AOTCache=" + project.resolve("standalone/target/octavo/octavo.aot");
        assertThat(run(project.resolve("octavo"), "demo").out()).contains(cache).doesNotContain("AOTMode=record");
        assertThat(run(project.resolve("octavo"), "jobs").out()).contains(cache);
    }

    @Test
    void aDemoThatFailsLeavesNoCache() throws Exception {
        environment.put("FAKE_EXIT", "1");
        run(project.resolve("octavo"), "demo");

        try (Stream<Path> files = Files.list(project.resolve("standalone/target/octavo"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("lib", "classpath", "stamp");
        }
    }

    /** Both tell the same user: a table that overtook its progress would stand before it. */
    @Test
    void saysWhenBothStreamsAreOne() throws Exception {
        assertThat(run(project.resolve("octavo"), "jobs").out()).doesNotContain("one-stream");

        Path both = folder.resolve("both");
        Process process = launcher(project.resolve("octavo"), "jobs")
                .redirectErrorStream(true)
                .redirectOutput(both.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(both).content().contains("arg=-Doctavo.one-stream=true\n");
    }

    @Test
    void aSignalReachesTheFirstDemo() throws Exception {
        run(project.resolve("octavo"), "jobs");
        Path waits = folder.resolve("waits");
        environment.put("FAKE_WAITS", waits.toString());
        Path out = folder.resolve("out");
        Process process = launcher(project.resolve("octavo"), "demo")
                .redirectOutput(out.toFile())
                .start();
        Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> Files.exists(waits));
        process.destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(143);
        assertThat(out).content().endsWith("ended\n");
    }

    private ProcessBuilder launcher(Path script, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(bin.resolve("bash").toString(), script.toString()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command)
                .directory(Files.createDirectories(folder.resolve("elsewhere")).toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        return builder;
    }

    private Outcome run(Path script, String... arguments) throws IOException, InterruptedException {
        Path out = folder.resolve("out");
        Process process =
                launcher(script, arguments).redirectOutput(out.toFile()).start();
        process.getOutputStream().close();
        // Standard error ends when the launcher's filter has passed everything on, which may be after the launcher.
        String errors = new String(process.getErrorStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Outcome(process.exitValue(), Files.readString(out), errors);
    }

    private long mavenCalls() throws IOException {
        try (Stream<String> lines = Files.lines(folder.resolve("mvn-calls"))) {
            return lines.count();
        }
    }

    private Path jdk(String name, String version) throws IOException {
        Path home = Files.createDirectories(folder.resolve(name).resolve("bin"))
                .resolveSibling(".")
                .normalize();
        script(home.resolve("bin/java"), JAVA);
        script(home.resolve("bin/javac"), "#!/bin/sh\n");
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\"" + version + "\"\n");
        return home;
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static Path find(String tool) {
        return Stream.of("/usr/bin", "/bin", "/usr/local/bin")
                .map(folder -> Path.of(folder, tool))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("this machine has no " + tool));
    }
}
