package io.octavo.cli.terminal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class LiveProgressTest {

    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @Test
    void printsALineForEachTenthWhereThereIsNoTerminal() {
        try (LiveProgress progress = progress(false, 100)) {
            for (int i = 0; i <= 100; i++) {
                progress.update("quantize", i / 100.0, "");
            }
            progress.update("evaluate", 0, "queued");
        }

        assertThat(text().lines()).hasSize(12).last().asString().contains("evaluate", "0 %", "queued");
        assertThat(text()).doesNotContain("\r", "\u001b");
    }

    @Test
    void rewritesOneLineOnATerminalAndLeavesItBehind() {
        try (LiveProgress progress = progress(true, 100)) {
            progress.update("upload", 0, "");
            progress.update("upload", 1, "done");
        }

        assertThat(text()).contains("\r").contains("100 %  done").endsWith(System.lineSeparator());
        assertThat(text().chars().filter(c -> c == '\n')).hasSize(1);
    }

    @Test
    void neverWritesBeyondTheTerminalsWidth() {
        try (LiveProgress progress = progress(true, 50)) {
            progress.update("upload", 0.5, "x".repeat(500));
        }

        assertThat(text().replace("\r\u001b[K", "").lines())
                .allSatisfy(line -> assertThat(line.length()).isLessThan(50));
    }

    @Test
    void clampsAShareThatIsNotOne() {
        try (LiveProgress progress = progress(false, 100)) {
            progress.update("upload", 7, "");
            progress.update("download", Double.NaN, "");
        }

        assertThat(text()).contains("100 %").contains("download");
    }

    private LiveProgress progress(boolean interactive, int columns) {
        var stream = new PrintStream(err, true, UTF_8);
        return new LiveProgress(new Terminal(stream, stream, interactive, columns));
    }

    private String text() {
        return err.toString(UTF_8);
    }
}
