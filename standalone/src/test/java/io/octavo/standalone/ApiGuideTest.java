package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What docs/api.md tells to do works as it says. */
@EnabledOnOs(OS.LINUX)
@Timeout(600)
class ApiGuideTest {

    private static final Pattern BLOCK = Pattern.compile("(?s)```bash\n(.*?)```");

    @Test
    void theGuideRunsAsItIsWritten(@TempDir Path folder) throws Exception {
        Path script = folder.resolve("guide.sh");
        Files.writeString(script, script());
        Path output = folder.resolve("output");
        try (Standalone service = Standalone.start(new StandaloneOptions(folder.resolve("home"), 0, List.of()))) {
            var run = new ProcessBuilder("bash", script.toString())
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            run.environment().put("OCTAVO_SERVER", service.baseUrl());
            run.environment().put("OCTAVO_API_KEY", service.apiKey());
            Process process = run.start();
            boolean ended = process.waitFor(400, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            assertThat(ended).as(Files.readString(output)).isTrue();
            assertThat(process.exitValue()).as(Files.readString(output)).isZero();
        }
    }

    private static String script() throws IOException {
        String blocks = BLOCK.matcher(Files.readString(ProjectFolder.root().resolve("docs/api.md")))
                .results()
                .map(block -> block.group(1))
                .collect(Collectors.joining("\n"));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return """
                set -euo pipefail
                trap 'echo "failed in line $LINENO: $BASH_COMMAND"' ERR
                ln -s '%s' examples
                octavo() {
                  '%s' --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \\
                    -cp '%s' io.octavo.standalone.OctavoMain "$@"
                }
                """.formatted(ProjectFolder.root().resolve("examples"), java, System.getProperty("java.class.path"))
                + blocks;
    }
}
