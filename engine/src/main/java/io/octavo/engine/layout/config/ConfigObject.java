package io.octavo.engine.layout.config;

import static io.octavo.engine.layout.config.Declaration.unsupported;

import io.octavo.engine.scheme.Granularity;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * A JSON object of a config; null and absent are the same. What a value is needed for and cannot be had fails every
 * reading; a member of another type that may be absent fails a strict one alone.
 *
 * @param path where it stands, for messages
 */
record ConfigObject(JsonNode node, String path, Reading reading) {

    static ConfigObject of(JsonNode node, String path, Reading reading) {
        if (!node.isObject()) {
            throw unsupported(path + " is no object");
        }
        return new ConfigObject(node, path, reading);
    }

    /** The same, of which every member must be known. */
    static ConfigObject of(JsonNode node, String path, Reading reading, Set<String> keys) {
        for (String key : of(node, path, reading).node.propertyNames()) {
            if (!keys.contains(key)) {
                reading.refuse(path + " has an unknown member " + key);
            }
        }
        return new ConfigObject(node, path, reading);
    }

    Optional<JsonNode> member(String key) {
        return Optional.of(node.path(key)).filter(member -> !member.isMissingNode() && !member.isNull());
    }

    private Optional<JsonNode> member(String key, Predicate<JsonNode> allowed, String refusal) {
        Optional<JsonNode> member = member(key);
        if (member.isPresent() && !allowed.test(member.get())) {
            reading.refuse(path + "." + key + " " + refusal);
            return Optional.empty();
        }
        return member;
    }

    void requireNull(String key) {
        member(key).ifPresent(member -> reading.refuse(path + "." + key + " is " + member));
    }

    /** Absent, null or an object or array without members. */
    void requireEmpty(String key) {
        member(key, member -> member.isContainer() && member.isEmpty(), "is not empty");
    }

    Optional<String> text(String key) {
        return member(key, JsonNode::isString, "is no string").map(JsonNode::stringValue);
    }

    String string(String key) {
        return text(key).orElseThrow(() -> unsupported(path + "." + key + " is no string"));
    }

    int integer(String key) {
        return member(key)
                .filter(JsonNode::isInt)
                .map(JsonNode::intValue)
                .orElseThrow(() -> unsupported(path + "." + key + " is no integer"));
    }

    int positive(String key) {
        int value = integer(key);
        if (value <= 0) {
            throw unsupported(path + "." + key + " is " + value);
        }
        return value;
    }

    /** Empty where the member is absent or null. */
    List<String> strings(String key) {
        return member(
                        key,
                        array -> array.isArray() && array.valueStream().allMatch(JsonNode::isString),
                        "is no array of strings")
                .map(array -> array.valueStream().map(JsonNode::stringValue).toList())
                .orElse(List.of());
    }

    boolean bool(String key, boolean absent) {
        return member(key, JsonNode::isBoolean, "is " + node.path(key))
                .map(JsonNode::booleanValue)
                .orElse(absent);
    }

    /** Two positive sizes; empty where the member is absent, null or something else. */
    Optional<Granularity.PerBlock> block(String key) {
        return member(key)
                .filter(sizes -> sizes.isArray()
                        && sizes.size() == 2
                        && sizes.valueStream().allMatch(size -> size.isInt() && size.intValue() > 0))
                .map(sizes -> new Granularity.PerBlock(
                        sizes.get(0).intValue(), sizes.get(1).intValue()));
    }
}
