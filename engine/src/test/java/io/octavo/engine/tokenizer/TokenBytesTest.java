package io.octavo.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.TestModels;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenBytesTest {

    /** The bytes of all tokens of a text are the text's, which the tokenizer itself cuts inside of characters. */
    @ParameterizedTest
    @ValueSource(
            strings = {"The old man", "größer — “naïve”", "日本語のテキスト", "a 🦊 and a 🏳️‍🌈\t\n", "\u00ad\u0001\u007f"})
    void addUpToTheText(String text) {
        try (Tokenizer tokenizer = Tokenizer.open(TestModels.books5m())) {
            var bytes = new ByteArrayOutputStream();
            int parts = 0;
            for (int id : tokenizer.encode(text)) {
                bytes.writeBytes(tokenizer.bytes(id).orElseThrow());
                parts += tokenizer.decodeToken(id).contains("\uFFFD") ? 1 : 0;
            }
            assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(text);
            assertThat(parts > 0).isEqualTo(text.chars().anyMatch(c -> c > 127));
        }
    }

    @Test
    void ofByteFallbackAreThoseThatTheirNamesSay(@TempDir Path folder) throws IOException {
        TokenBytes bytes = TokenBytes.read(Files.writeString(folder.resolve("tokenizer.json"), """
                {"model": {"type": "BPE", "vocab": {"<s>": 0, "<0xE2>": 1, "▁old": 2}},
                 "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}]}}"""));
        assertThat(bytes.of(1)).hasValue(new byte[] {(byte) 0xE2});
        assertThat(bytes.of(2)).isEmpty();
        assertThat(bytes.of(3)).isEmpty();
    }

    @Test
    void areFoundInListsOfPiecesAndBehindOtherDecoders(@TempDir Path folder) throws IOException {
        TokenBytes pieces = TokenBytes.read(Files.writeString(folder.resolve("a.json"), """
                {"model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["<0x0A>", -1.5]]}}"""));
        assertThat(pieces.of(1)).hasValue(new byte[] {10});
        TokenBytes nested = TokenBytes.read(Files.writeString(folder.resolve("b.json"), """
                {"model": {"type": "BPE", "vocab": {"Ġâ": 0}},
                 "decoder": {"type": "Sequence", "decoders": [{"type": "ByteLevel"}]}}"""));
        assertThat(nested.of(0)).hasValue(new byte[] {' ', (byte) 0xE2});
    }
}
