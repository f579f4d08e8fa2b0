package io.octavo.engine.dataset;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a file's beginning tells is what reading the whole of it would tell. */
class DatasetsTest {

    @TempDir
    private Path folder;

    private static void refuses(ThrowingCallable call, String message) {
        assertThatExceptionOfType(QuantizationException.class)
                .isThrownBy(call)
                .withMessageContaining(message)
                .returns(ErrorCode.DATASET_INVALID, QuantizationException::code);
    }

    private static long whole(String name, byte[] bytes) {
        return Datasets.requireText(name, bytes.length, bytes);
    }

    @Test
    void whatIsNoTextIsRefused() {
        refuses(() -> whole("a.txt", new byte[0]), "dataset a.txt has no text");
        refuses(() -> whole("a.txt", " \n\t".getBytes(UTF_8)), "has no text");
        refuses(() -> whole("a.txt", "d\u00e9j\u00e0".getBytes(ISO_8859_1)), "is not UTF-8 text: its byte 2");
        refuses(() -> whole("a.txt", "text".getBytes(UTF_16)), "is not UTF-8 text: its byte 1");
        refuses(() -> whole("a.txt", "te\0t".getBytes(UTF_8)), "is no text: its character 3 is a zero");
        refuses(() -> whole("a.jsonl", "{\"text\":\"a\"}\nno\n".getBytes(UTF_8)), "a.jsonl line 2: not JSON");
    }

    @Test
    void textsAreCounted() {
        byte[] lines = "{\"text\":\"a\"}\n\n{\"text\":\"b\"}".getBytes(UTF_8);
        assertThat(whole("a.txt", lines)).isEqualTo(1);
        assertThat(whole("a.jsonl", lines)).isEqualTo(2);
        byte[] head = Arrays.copyOf(lines, 15);
        assertThat(Datasets.requireText("a.jsonl", lines.length, head)).isGreaterThanOrEqualTo(2);
    }

    /** Wherever it ends: within a character, within a line. */
    @Test
    void aBeginningIsJudgedByWhatItHolds() {
        byte[] text = "{\"text\":\"d\u00e9j\u00e0 \u20ac\"}\n{\"text\":\"b\"}\n".getBytes(UTF_8);
        for (int length = 0; length <= text.length; length++) {
            Datasets.requireText("a.jsonl", text.length, Arrays.copyOf(text, length));
            Datasets.requireText("a.txt", text.length, Arrays.copyOf(text, length));
        }
        byte[] cut = Arrays.copyOf(text, text.length - 4);
        refuses(() -> whole("a.txt", Arrays.copyOf("d\u00e9".getBytes(UTF_8), 2)), "its byte 2");
        refuses(() -> whole("a.jsonl", cut), "a.jsonl line 2: not JSON");
    }

    @Test
    void aZeroIsRefusedWhereverItStands() throws IOException {
        Path file = Files.writeString(folder.resolve("a.txt"), "te\0t");
        refuses(() -> Datasets.read(file), "is no text: its character 3 is a zero");
    }
}
