package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Typed access to a hostile config.json: every wrong type or range is an error that names the key. */
final class ConfigReader {

    private static final int LARGEST_DIMENSION = 1 << 26;

    private final JsonNode node;
    private final String path;

    ConfigReader(JsonNode node, String path) {
        this.node = node;
        this.path = path;
    }

    boolean has(String key) {
        return node.hasNonNull(key);
    }

    ConfigReader object(String key) {
        JsonNode value = node.path(key);
        if (!value.isObject()) {
            throw invalid(key, value, "an object");
        }
        return new ConfigReader(value, path + key + ".");
    }

    ObjectNode copy() {
        return (ObjectNode) node.deepCopy();
    }

    /** A positive dimension. */
    int dimension(String key) {
        return whole(key, 1, LARGEST_DIMENSION);
    }

    /** A whole number within bounds. */
    int whole(String key, int smallest, int largest) {
        JsonNode value = node.path(key);
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < smallest
                || value.intValue() > largest) {
            throw invalid(key, value, "a whole number from " + smallest + " to " + largest);
        }
        return value.intValue();
    }

    int dimension(String key, int absent) {
        return has(key) ? dimension(key) : absent;
    }

    double positive(String key) {
        JsonNode value = node.path(key);
        if (!value.isNumber() || !(value.doubleValue() > 0) || Double.isInfinite(value.doubleValue())) {
            throw invalid(key, value, "a positive number");
        }
        return value.doubleValue();
    }

    double positive(String key, double absent) {
        return has(key) ? positive(key) : absent;
    }

    boolean flag(String key, boolean absent) {
        if (!has(key)) {
            return absent;
        }
        JsonNode value = node.path(key);
        if (!value.isBoolean()) {
            throw invalid(key, value, "true or false");
        }
        return value.booleanValue();
    }

    String text(String key, String absent) {
        if (!has(key)) {
            return absent;
        }
        JsonNode value = node.path(key);
        if (!value.isString()) {
            throw invalid(key, value, "a string");
        }
        return value.stringValue();
    }

    List<String> texts(String key) {
        JsonNode value = node.path(key);
        List<String> texts = new ArrayList<>();
        if (value.isArray()) {
            for (JsonNode element : value) {
                if (!element.isString()) {
                    throw invalid(key, value, "an array of strings");
                }
                texts.add(element.stringValue());
            }
        } else if (has(key)) {
            throw invalid(key, value, "an array of strings");
        }
        return texts;
    }

    /** Whole numbers from 0; an absent or null key gives none. */
    List<Integer> indices(String key) {
        JsonNode value = node.path(key);
        List<Integer> indices = new ArrayList<>();
        if (has(key) && !value.isArray()) {
            throw invalid(key, value, "an array of whole numbers");
        }
        for (JsonNode element : value) {
            if (!element.isIntegralNumber() || !element.canConvertToInt() || element.intValue() < 0) {
                throw invalid(key, value, "an array of whole numbers");
            }
            indices.add(element.intValue());
        }
        return indices;
    }

    /** A token id, or several; an absent or null key gives none. */
    List<Integer> tokenIds(String key) {
        JsonNode value = node.path(key);
        List<Integer> ids = new ArrayList<>();
        if (value.isArray()) {
            value.forEach(element -> ids.add(tokenId(key, element)));
        } else if (has(key)) {
            ids.add(tokenId(key, value));
        }
        return ids;
    }

    OptionalInt tokenId(String key) {
        List<Integer> ids = tokenIds(key);
        return ids.isEmpty() ? OptionalInt.empty() : OptionalInt.of(ids.getFirst());
    }

    private int tokenId(String key, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
            throw invalid(key, value, "a token id");
        }
        return value.intValue();
    }

    private QuantizationException invalid(String key, JsonNode value, String allowed) {
        String actual = value.isMissingNode() ? "missing" : abbreviate(value.toString());
        return new QuantizationException(
                ErrorCode.CONFIG_INVALID, "config.json: " + path + key + " is " + actual + ", must be " + allowed);
    }

    private static String abbreviate(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }
}
