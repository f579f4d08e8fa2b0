package io.octavo.worker.openai;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The fields of an object, read by type and range. A null is what is absent. */
final class Fields {

    private static final int MOST_SHOWN = 40;

    private final ObjectNode object;
    private final String path;

    private Fields(ObjectNode object, String path) {
        this.object = object;
        this.path = path;
    }

    static Fields of(ObjectNode body) {
        return new Fields(body, "");
    }

    /** @param path of the object, such as {@code messages[0]} */
    static Fields of(JsonNode node, String path) {
        if (node instanceof ObjectNode object) {
            return new Fields(object, path + ".");
        }
        throw wrongType(path, "an object", node);
    }

    @Nullable JsonNode get(String name) {
        JsonNode value = object.get(name);
        return value == null || value.isNull() ? null : value;
    }

    JsonNode required(String name) {
        JsonNode value = get(name);
        if (value == null) {
            throw new OpenAiException(OpenAiCode.MISSING_PARAMETER, path(name), path(name) + " is missing");
        }
        return value;
    }

    /** Of a field inside this object. */
    String path(String name) {
        return path + name;
    }

    String requiredText(String name) {
        return text(required(name), path(name));
    }

    /** @throws OpenAiException if the text has half of a surrogate pair, which no UTF-8 can spell */
    static String text(JsonNode value, String path) {
        if (!value.isString()) {
            throw wrongType(path, "a string", value);
        }
        String text = value.stringValue();
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (i + 1 == text.length() || !Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
                    throw invalid(path, "holds half of a surrogate pair");
                }
                i++;
            }
        }
        return text;
    }

    boolean flag(String name) {
        JsonNode value = get(name);
        if (value != null && !value.isBoolean()) {
            throw wrongType(path(name), "true or false", value);
        }
        return value != null && value.booleanValue();
    }

    int integer(String name, int least, int most, int otherwise) {
        Integer value = integer(name, least, most);
        return value == null ? otherwise : value;
    }

    @Nullable Integer integer(String name, int least, int most) {
        JsonNode value = get(name);
        return value == null ? null : (int) whole(value, path(name), least, most);
    }

    /** @throws OpenAiException if it is no whole number from {@code least} to {@code most} */
    static long whole(JsonNode value, String path, long least, long most) {
        if (!value.isIntegralNumber()) {
            throw wrongType(path, "a whole number", value);
        }
        if (!value.canConvertToLong() || value.longValue() < least || value.longValue() > most) {
            throw invalid(path, "is " + shown(value) + "; allowed: " + least + " to " + most);
        }
        return value.longValue();
    }

    float number(String name, double least, double most, float otherwise) {
        JsonNode value = get(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.isNumber()) {
            throw wrongType(path(name), "a number", value);
        }
        double number = value.doubleValue();
        if (!(number >= least && number <= most)) {
            throw invalid(path(name), "is " + shown(value) + "; allowed: " + plain(least) + " to " + plain(most));
        }
        return (float) number;
    }

    private static String plain(double bound) {
        return bound == Math.rint(bound) ? String.valueOf((long) bound) : String.valueOf(bound);
    }

    /** What would change the answer and cannot be done. Empty lists and objects, false, 0 and {@code harmless} ask for nothing. */
    void refuse(String name, String why, Set<String> harmless) {
        JsonNode value = get(name);
        boolean nothing = value == null
                || (value.isContainer() && value.isEmpty())
                || (value.isBoolean() && !value.booleanValue())
                || (value.isNumber() && value.doubleValue() == 0)
                || (value.isString() && harmless.contains(value.stringValue()));
        if (!nothing) {
            throw new OpenAiException(OpenAiCode.UNSUPPORTED_PARAMETER, path(name), path(name) + ": " + why);
        }
    }

    /** What is done always, and cannot be left. */
    void refuseOff(String name, String why) {
        JsonNode value = get(name);
        if (value != null && value.isBoolean() && !value.booleanValue()) {
            throw new OpenAiException(OpenAiCode.UNSUPPORTED_PARAMETER, path(name), path(name) + ": " + why);
        }
    }

    static OpenAiException wrongType(String path, String wanted, JsonNode actual) {
        String message = path + " must be " + wanted + ", not " + shown(actual);
        return new OpenAiException(OpenAiCode.INVALID_TYPE, path, message);
    }

    static OpenAiException invalid(String path, String what) {
        return new OpenAiException(OpenAiCode.INVALID_VALUE, path, path + " " + what);
    }

    private static String shown(JsonNode value) {
        if (value.isContainer()) {
            return value.isArray() ? "an array" : "an object";
        }
        String text = value.isString() ? '"' + value.stringValue() + '"' : value.toString();
        return text.length() <= MOST_SHOWN ? text : text.substring(0, MOST_SHOWN) + "...";
    }
}
