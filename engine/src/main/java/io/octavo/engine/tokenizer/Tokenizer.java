package io.octavo.engine.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.LfsPointer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's tokenizer.json. No special token is added unless asked for: callers put BOS where they want it.
 *
 * <p>Not thread-safe. {@link #close()} frees native memory.
 */
public final class Tokenizer implements AutoCloseable {

    public static final String FILE_NAME = "tokenizer.json";

    static {
        // The binding reports its start to a cloud endpoint and may fetch libraries unless told not to.
        System.setProperty("OPT_OUT_TRACKING", "true");
        System.setProperty("ai.djl.offline", "true");
    }

    private final HuggingFaceTokenizer tokenizer;
    private final Path file;
    private @Nullable TokenBytes bytes;

    private Tokenizer(HuggingFaceTokenizer tokenizer, Path file) {
        this.tokenizer = tokenizer;
        this.file = file;
    }

    /**
     * @param checkpoint folder that holds tokenizer.json
     * @throws QuantizationException {@code tokenizer-missing} or {@code tokenizer-invalid}
     */
    public static Tokenizer open(Path checkpoint) {
        Path file = checkpoint.resolve(FILE_NAME);
        if (!Files.isRegularFile(file)) {
            throw new QuantizationException(
                    ErrorCode.TOKENIZER_MISSING, "tokenizer.json is missing: text cannot be scored or generated");
        }
        // Without these two the binding cuts every text at 512 tokens and pads batches, silently.
        Map<String, String> options = Map.of("truncation", "false", "padding", "false");
        try (InputStream begin = Files.newInputStream(file)) {
            LfsPointer.refuse(file.toString(), begin.readNBytes(64));
            return new Tokenizer(HuggingFaceTokenizer.newInstance(file, options), file);
        } catch (QuantizationException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new QuantizationException(
                    ErrorCode.TOKENIZER_INVALID, "tokenizer.json cannot be read: " + e.getMessage(), e);
        }
    }

    /** Ids of {@code text} alone. */
    public int[] encode(String text) {
        return encode(text, false);
    }

    /** Ids of {@code text} with the special tokens that tokenizer.json itself puts around a text, such as BOS. */
    public int[] encodeComplete(String text) {
        return encode(text, true);
    }

    private int[] encode(String text, boolean special) {
        return Arrays.stream(tokenizer.encode(text, special, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /** The text of {@code ids}, special tokens left out. */
    public String decode(List<Integer> ids) {
        return tokenizer.decode(ids.stream().mapToLong(Integer::longValue).toArray(), true);
    }

    /** One token alone, also a special one. */
    public String decodeToken(int id) {
        return tokenizer.decode(new long[] {id}, false);
    }

    /**
     * What a token adds to a text that it is a part of; {@link #decodeToken} has U+FFFD where that is a part of a character.
     * Reads the file again when it is asked first.
     *
     * @return empty where the tokenizer's way of spelling bytes is not known
     */
    public Optional<byte[]> bytes(int id) {
        if (bytes == null) {
            bytes = TokenBytes.read(file);
        }
        return bytes.of(id);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
