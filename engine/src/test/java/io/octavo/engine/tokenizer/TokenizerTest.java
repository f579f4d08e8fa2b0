package io.octavo.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {

    private static final Path EXAMPLE = TestModels.books5m();

    @Test
    void encodesWithoutSpecialTokensAndDecodesBack() {
        try (Tokenizer tokenizer = Tokenizer.open(EXAMPLE)) {
            int[] ids = tokenizer.encode("The old man looked out of the window and");
            assertThat(ids).containsExactly(497, 737, 440, 859, 473, 282, 264, 1865, 284);
            assertThat(tokenizer.decode(IntStream.of(ids).boxed().toList()))
                    .isEqualTo("The old man looked out of the window and");
        }
    }

    @Test
    void neverCutsLongTexts() {
        try (Tokenizer tokenizer = Tokenizer.open(EXAMPLE)) {
            assertThat(tokenizer.encode("window ".repeat(20_000))).hasSizeGreaterThan(20_000);
        }
    }

    @Test
    void saysWhenItIsMissing(@TempDir Path empty) {
        assertCode(empty, ErrorCode.TOKENIZER_MISSING);
    }

    @Test
    void saysWhenItIsBroken(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": 1}");
        assertCode(folder, ErrorCode.TOKENIZER_INVALID);
        Files.writeString(
                folder.resolve("tokenizer.json"), "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
        assertCode(folder, ErrorCode.GIT_LFS_POINTER);
    }

    private static void assertCode(Path folder, ErrorCode code) {
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
