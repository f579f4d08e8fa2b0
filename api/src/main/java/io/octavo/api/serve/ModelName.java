package io.octavo.api.serve;

import io.octavo.api.call.Utf8;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/** Which model a call names: all that this process reads of its body. */
final class ModelName {

    /** A field that is there twice is refused, as the worker does, so that both mean the same one. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(64)
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private ModelName() {}

    /** @throws ServeException if the body is no JSON object, or names none */
    static String of(byte[] body) {
        Utf8.fault(body).ifPresent(fault -> {
            throw invalid("the body is no JSON: " + fault);
        });
        String model = null;
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), body)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw invalid("the body must be a JSON object");
            }
            while (json.nextToken() != JsonToken.END_OBJECT) {
                boolean named = "model".equals(json.currentName());
                JsonToken value = json.nextToken();
                if (named && value == JsonToken.VALUE_STRING) {
                    model = json.getString();
                } else if (named && value != JsonToken.VALUE_NULL) {
                    throw new ServeException(400, "invalid_type", "model", "model must be a string");
                } else {
                    json.skipChildren();
                }
            }
            if (json.nextToken() != null) {
                throw invalid("the body has more than a JSON object");
            }
        } catch (JacksonException e) {
            throw invalid("the body is no JSON: " + e.getOriginalMessage());
        }
        if (model == null) {
            throw new ServeException(
                    400, "missing_required_parameter", "model", "model is missing: it names a deployment");
        }
        return model;
    }

    private static ServeException invalid(String message) {
        return new ServeException(400, "invalid_json", null, message);
    }
}
