package io.octavo.engine.checkpoint;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.LfsPointer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model's config.json: the text as it was found and its parsed form.
 *
 * <p>Members are added by splicing text, so that every other byte stays: order of keys, spelling of numbers
 * ({@code 1e-05}), white space. Python writes {@code Infinity} and {@code NaN} into such files; both are read.
 */
public final class ConfigJson {

    public static final String FILE_NAME = "config.json";

    private static final String QUANTIZATION_CONFIG = "quantization_config";

    private static final String BYTE_ORDER_MARK = "\uFEFF";

    /** The largest known config.json has less than 1 MB. */
    public static final long MAX_BYTES = 16_000_000;

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private final String text;
    private final JsonNode tree;

    private ConfigJson(String text, JsonNode tree) {
        this.text = text;
        this.tree = tree;
    }

    /** @throws QuantizationException {@code CHECKPOINT_NOT_FOUND} or {@code CONFIG_INVALID} */
    public static ConfigJson read(Path file) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw invalid("more than " + MAX_BYTES + " bytes", null);
            }
            byte[] bytes = Files.readAllBytes(file);
            LfsPointer.refuse(file.toString(), bytes);
            return parse(bytes);
        } catch (NoSuchFileException e) {
            throw new QuantizationException(ErrorCode.CHECKPOINT_NOT_FOUND, file + " does not exist", e);
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** @throws QuantizationException {@code CONFIG_INVALID} unless the bytes are one JSON object in UTF-8 */
    public static ConfigJson parse(byte[] bytes) {
        try {
            // A strict decoder, so that encoding the text again gives the same bytes.
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            if (text.startsWith(BYTE_ORDER_MARK)) {
                throw invalid("begins with a byte order mark, which loaders refuse; save it without", null);
            }
            JsonNode tree = JSON.reader()
                    .with(tools.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .readTree(text);
            if (!tree.isObject()) {
                throw invalid("no JSON object", null);
            }
            return new ConfigJson(text, tree);
        } catch (CharacterCodingException e) {
            throw invalid("no UTF-8 text", e);
        } catch (JacksonException e) {
            throw invalid("no valid JSON: " + JsonFault.of(e), e);
        }
    }

    /** The file's bytes, unchanged. */
    public byte[] bytes() {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The parsed object; treat as read-only. */
    public JsonNode tree() {
        return tree;
    }

    /** The class names under {@code architectures}, empty if there are none. */
    public List<String> architectures() {
        var names = new ArrayList<String>();
        for (JsonNode name : tree.path("architectures")) {
            if (name.isString()) {
                names.add(name.stringValue());
            }
        }
        return List.copyOf(names);
    }

    /** The root's {@code quantization_config}; a JSON null counts as absent. */
    public Optional<JsonNode> quantizationConfig() {
        JsonNode member = tree.path(QUANTIZATION_CONFIG);
        return member.isMissingNode() || member.isNull() ? Optional.empty() : Optional.of(member);
    }

    /** This config with another {@code quantization_config}, or with one more member at its end, and otherwise the same bytes. */
    public ConfigJson withQuantizationConfig(JsonNode quantizationConfig) {
        Splice splice = findSplice();
        boolean multiLine = text.indexOf('\n') >= 0;
        String value = multiLine ? JsonText.indented(quantizationConfig) : quantizationConfig.toString();
        String member;
        if (splice.replacesValue) {
            member = multiLine ? value.replace("\n", "\n  ") : value;
        } else if (multiLine) {
            member = (tree.isEmpty() ? "" : ",") + "\n  \"" + QUANTIZATION_CONFIG + "\": " + value.replace("\n", "\n  ")
                    + (tree.isEmpty() ? "\n" : "");
        } else {
            member = (tree.isEmpty() ? "" : ", ") + '"' + QUANTIZATION_CONFIG + "\": " + value;
        }
        String result = text.substring(0, splice.from) + member + text.substring(splice.to);
        return parse(result.getBytes(StandardCharsets.UTF_8));
    }

    /** Which characters a new member takes the place of. */
    private record Splice(int from, int to, boolean replacesValue) {}

    private Splice findSplice() {
        try (JsonParser parser = JSON.createParser(text)) {
            parser.nextToken();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals(QUANTIZATION_CONFIG)) {
                    int begin = (int) parser.currentTokenLocation().getCharOffset();
                    return new Splice(begin, endOfValue(parser), true);
                }
                parser.skipChildren();
            }
            int brace = (int) parser.currentTokenLocation().getCharOffset();
            int end = text.substring(0, brace).stripTrailing().length();
            return new Splice(end, end, false);
        }
    }

    private static int endOfValue(JsonParser parser) {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return (int) parser.currentTokenLocation().getCharOffset() + "null".length();
        }
        parser.skipChildren();
        parser.finishToken();
        return (int) parser.currentLocation().getCharOffset();
    }

    private static QuantizationException invalid(String reason, @Nullable Throwable cause) {
        return new QuantizationException(ErrorCode.CONFIG_INVALID, FILE_NAME + ": " + reason, cause);
    }
}
