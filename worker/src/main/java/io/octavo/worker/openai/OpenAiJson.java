package io.octavo.worker.openai;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Bodies to trees, within bounds, and answers to text. */
public final class OpenAiJson {

    private static final int MOST_DEPTH = 64;

    /** Each value costs far more memory than its bytes do. Prompts of many tokens are long arrays. */
    private static final int MOST_TOKENS = 500_000;

    private static final int MOST_DIGITS = 64;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MOST_DEPTH)
                            .maxTokenCount(MOST_TOKENS)
                            .maxNumberLength(MOST_DIGITS)
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private OpenAiJson() {}

    /**
     * @param body UTF-8, of a length that the caller has bounded
     * @throws OpenAiException {@code invalid_json} if it is no JSON object, {@code request_too_large} if it holds too many
     *     values
     */
    public static ObjectNode parse(byte[] body) {
        try {
            // Jackson would take overlong forms and other encodings.
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
            JsonNode tree = MAPPER.readTree(text);
            if (tree instanceof ObjectNode object) {
                return object;
            }
            throw invalid("the body must be a JSON object");
        } catch (CharacterCodingException e) {
            throw invalid("the body is not UTF-8");
        } catch (StreamConstraintsException e) {
            throw new OpenAiException(
                    OpenAiCode.REQUEST_TOO_LARGE,
                    null,
                    "the body is nested deeper than " + MOST_DEPTH + ", holds more than " + MOST_TOKENS
                            + " values or a number of more than " + MOST_DIGITS + " digits");
        } catch (JacksonException e) {
            throw invalid("the body is no JSON: " + e.getOriginalMessage());
        }
    }

    private static OpenAiException invalid(String message) {
        return new OpenAiException(OpenAiCode.INVALID_JSON, null, message);
    }

    /** Fields in the interface's spelling. */
    public static String write(Object answer) {
        return MAPPER.writeValueAsString(answer);
    }

    /** The same to change. */
    public static ObjectNode tree(Object answer) {
        return MAPPER.valueToTree(answer);
    }
}
