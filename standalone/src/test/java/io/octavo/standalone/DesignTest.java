package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What docs/design.md calls built is there; the calls of the service are held by a test of the api. */
final class DesignTest {

    @Test
    void theDesignTellsWhichCommandsAreBuilt() throws IOException {
        String design = Files.readString(ProjectFolder.root().resolve("docs/design.md"));
        String cli = design.substring(design.indexOf("### CLI"), design.indexOf("## 6."));
        assertThat(cli.lines()
                        .filter(line -> line.contains(" | built | "))
                        .map(line -> line.substring(0, line.indexOf(" | built | ")))
                        .flatMap(line ->
                                Pattern.compile("`([a-z]+)[^`]*`").matcher(line).results())
                        .map(command -> command.group(1)))
                .containsExactlyInAnyOrderElementsOf(OctavoMain.commandLine(Terminal.system(), Map.of())
                        .getSubcommands()
                        .keySet());
    }
}
