package io.octavo.engine.layout.config;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** A JSON object of which every member must be known; null and absent are the same. */
public record StrictObject(JsonNode node, String path) {

    public static StrictObject of(JsonNode node, String path, Set<String> keys) {
        if (!node.isObject()) {
            throw unsupported(path + " is no object");
        }
        for (String key : node.propertyNames()) {
            if (!keys.contains(key)) {
                throw unsupported(path + " has an unknown member " + key);
            }
        }
        return new StrictObject(node, path);
    }

    public Optional<JsonNode> member(String key) {
        JsonNode member = node.path(key);
        return member.isMissingNode() || member.isNull() ? Optional.empty() : Optional.of(member);
    }

    public void requireNull(String key) {
        if (member(key).isPresent()) {
            throw unsupported(path + "." + key + " is " + member(key).get());
        }
    }

    /** Absent, null or an object or array without members. */
    public void requireEmpty(String key) {
        if (member(key)
                .map(member -> !member.isContainer() || !member.isEmpty())
                .orElse(false)) {
            throw unsupported(path + "." + key + " is not empty");
        }
    }

    public String string(String key) {
        return member(key)
                .filter(JsonNode::isString)
                .map(JsonNode::stringValue)
                .orElseThrow(() -> unsupported(path + "." + key + " is no string"));
    }

    public String string(String key, String absent) {
        return member(key).isPresent() ? string(key) : absent;
    }

    public int integer(String key) {
        return member(key)
                .filter(JsonNode::isInt)
                .map(JsonNode::intValue)
                .orElseThrow(() -> unsupported(path + "." + key + " is no integer"));
    }

    public int positive(String key) {
        int value = integer(key);
        if (value <= 0) {
            throw unsupported(path + "." + key + " is " + value);
        }
        return value;
    }

    /** Empty where the member is absent or null. */
    public List<String> strings(String key) {
        Optional<JsonNode> member = member(key);
        if (member.isEmpty()) {
            return List.of();
        }
        JsonNode array = member.get();
        if (!array.isArray() || !array.valueStream().allMatch(JsonNode::isString)) {
            throw unsupported(path + "." + key + " is no array of strings");
        }
        return array.valueStream().map(JsonNode::stringValue).toList();
    }

    public boolean bool(String key, boolean absent) {
        Optional<JsonNode> member = member(key);
        if (member.isPresent() && !member.get().isBoolean()) {
            throw unsupported(path + "." + key + " is " + member.get());
        }
        return member.map(JsonNode::booleanValue).orElse(absent);
    }

    public static QuantizationException unsupported(String message) {
        String shown = message.length() > 300 ? message.substring(0, 300) + "…" : message;
        return new QuantizationException(ErrorCode.QUANTIZATION_UNSUPPORTED, "quantization_config: " + shown);
    }
}
