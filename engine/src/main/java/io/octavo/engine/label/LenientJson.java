package io.octavo.engine.label;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads members that may be missing or of another type without ever failing: a label says what it can. */
final class LenientJson {

    private static final int SHOWN_CHARACTERS = 60;

    private LenientJson() {}

    static Optional<String> text(JsonNode object, String member) {
        return Optional.of(object.path(member)).filter(JsonNode::isString).map(JsonNode::stringValue);
    }

    static Optional<Integer> integer(JsonNode object, String member) {
        return Optional.of(object.path(member)).filter(JsonNode::isInt).map(JsonNode::intValue);
    }

    static boolean flag(JsonNode object, String member, boolean absent) {
        JsonNode value = object.path(member);
        return value.isBoolean() ? value.booleanValue() : absent;
    }

    static List<String> texts(JsonNode array) {
        var texts = new ArrayList<String>();
        if (array.isArray()) {
            array.valueStream().filter(JsonNode::isString).forEach(text -> texts.add(text.stringValue()));
        }
        return texts;
    }

    /** A value as a message quotes it: short, whatever the file holds. */
    static String shown(JsonNode value) {
        String text = value.isMissingNode() ? "missing" : value.toString();
        return text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "…" : text;
    }
}
