package io.octavo.jobs.spec;

import io.octavo.jobs.problem.FieldError;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads the members of one JSON object strictly and collects what is wrong with them, so that a client learns all of it
 * at once. A value whose member is wrong is a placeholder: nobody may use it once an error is noted.
 */
final class Fields {

    private final JsonNode object;
    private final String place;
    private final List<FieldError> errors;
    private final Set<String> known = new HashSet<>();

    Fields(JsonNode object, String place, List<FieldError> errors) {
        this.object = object;
        this.place = place;
        this.errors = errors;
        if (!object.isObject()) {
            errors.add(new FieldError(place.isEmpty() ? "body" : place, "must be an object"));
        }
    }

    String text(String name, int maxLength) {
        JsonNode value = member(name);
        if (value == null) {
            error(name, "is required");
            return "";
        }
        return checkedText(name, value, maxLength);
    }

    String text(String name, int maxLength, String absent) {
        JsonNode value = member(name);
        return value == null ? absent : checkedText(name, value, maxLength);
    }

    private String checkedText(String name, JsonNode value, int maxLength) {
        if (!value.isString()) {
            error(name, "must be a string");
            return "";
        }
        String text = value.stringValue();
        if (text.isBlank() || text.length() > maxLength) {
            error(name, "must have 1 to " + maxLength + " characters");
        } else {
            requireStorable(name, text);
        }
        return text;
    }

    /** The database takes neither in JSON. */
    private void requireStorable(String name, String text) {
        if (text.indexOf('\0') >= 0 || !StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            error(name, "must not contain NUL or broken Unicode");
        }
    }

    /** The parsed text; empty when it is absent or wrong, and then an error is noted unless it may be absent. */
    <T> Optional<T> parsed(String name, boolean required, Function<String, T> parser) {
        JsonNode value = member(name);
        if (value == null) {
            if (required) {
                error(name, "is required");
            }
            return Optional.empty();
        }
        if (!value.isString()) {
            error(name, "must be a string");
            return Optional.empty();
        }
        try {
            requireStorable(name, value.stringValue());
            return Optional.of(parser.apply(value.stringValue()));
        } catch (IllegalArgumentException e) {
            error(name, String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    int number(String name, int absent, int min, int max) {
        Integer value = optionalNumber(name, min, max);
        return value == null ? absent : value;
    }

    @Nullable Integer optionalNumber(String name, int min, int max) {
        JsonNode value = member(name);
        if (value == null) {
            return null;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < min || value.intValue() > max) {
            error(name, "must be a whole number from " + min + " to " + max);
            return null;
        }
        return value.intValue();
    }

    double decimal(String name, double absent, double min, double max) {
        Double value = optionalDecimal(name);
        if (value == null) {
            return absent;
        }
        if (value < min || value > max) {
            error(name, "must be from " + min + " to " + max);
        }
        return value;
    }

    /** A count of bytes up to a limit; 0 when it is absent. */
    long bytes(String name, long max) {
        JsonNode value = member(name);
        if (value == null) {
            return 0;
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < 0
                || value.longValue() > max) {
            error(name, "must be a whole number of bytes from 0 to " + max);
            return 0;
        }
        return value.longValue();
    }

    /** An object whose members are texts; empty when it is absent. */
    Map<String, String> textMap(String name, int maxCount, int maxLength) {
        JsonNode value = member(name);
        Map<String, String> texts = new TreeMap<>();
        if (value == null) {
            return texts;
        }
        if (!value.isObject() || value.size() > maxCount) {
            error(name, "must be an object of at most " + maxCount + " texts");
            return texts;
        }
        value.propertyStream().forEach(member -> {
            String key = member.getKey();
            if (key.isBlank() || key.length() > maxLength) {
                error(name, "must have names of 1 to " + maxLength + " characters");
            }
            requireStorable(name, key);
            texts.put(key, checkedText(name + "." + shorten(key), member.getValue(), maxLength));
        });
        return texts;
    }

    String choice(String name, String absent, List<String> allowed) {
        String text = text(name, 64, absent);
        if (!allowed.contains(text)) {
            error(name, "must be one of " + String.join(", ", allowed));
        }
        return text;
    }

    boolean has(String name) {
        return member(name) != null;
    }

    /** How many elements an array has; 0 for anything else. */
    int count(String name) {
        JsonNode value = member(name);
        return value != null && value.isArray() ? value.size() : 0;
    }

    boolean truth(String name, boolean absent) {
        JsonNode value = member(name);
        if (value == null) {
            return absent;
        }
        if (!value.isBoolean()) {
            error(name, "must be true or false");
            return absent;
        }
        return value.booleanValue();
    }

    @Nullable Double optionalDecimal(String name) {
        JsonNode value = member(name);
        if (value == null) {
            return null;
        }
        if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
            error(name, "must be a number");
            return null;
        }
        return value.doubleValue();
    }

    List<String> texts(String name, int maxCount, int maxLength) {
        List<String> texts = new ArrayList<>();
        for (JsonNode element : array(name, maxCount)) {
            texts.add(checkedText(name + "[" + texts.size() + "]", element, maxLength));
        }
        return texts;
    }

    List<Fields> objects(String name, int maxCount) {
        List<Fields> objects = new ArrayList<>();
        for (JsonNode element : array(name, maxCount)) {
            objects.add(new Fields(element, path(name + "[" + objects.size() + "]"), errors));
        }
        return objects;
    }

    /** The object's members; empty when it is absent. */
    Optional<Fields> object(String name) {
        JsonNode value = member(name);
        return value == null ? Optional.empty() : Optional.of(new Fields(value, path(name), errors));
    }

    private Iterable<JsonNode> array(String name, int maxCount) {
        JsonNode value = member(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray() || value.size() > maxCount) {
            error(name, "must be an array of at most " + maxCount);
            return List.of();
        }
        return value;
    }

    void error(String name, String message) {
        errors.add(new FieldError(path(name), message));
    }

    /** Call after every member was read. */
    void rejectUnknown() {
        if (object.isObject()) {
            object.propertyNames().stream()
                    .filter(name -> !known.contains(name))
                    .forEach(name -> error(shorten(name), "is not known here"));
        }
    }

    private @Nullable JsonNode member(String name) {
        known.add(name);
        JsonNode value = object.get(name);
        return value == null || value.isNull() ? null : value;
    }

    private String path(String name) {
        return place.isEmpty() ? name : place + "." + name;
    }

    private static String shorten(String name) {
        return name.length() > 64 ? name.substring(0, 64) + "..." : name;
    }
}
