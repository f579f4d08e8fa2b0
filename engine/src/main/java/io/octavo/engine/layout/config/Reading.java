package io.octavo.engine.layout.config;

import io.octavo.engine.failure.QuantizationException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * How one config is read. Strictly, whatever is not understood is refused, because loaders turn a misread config into
 * garbage without an error. Leniently, as labels need it, what can be told is told, and the rest passed over.
 */
final class Reading {

    private static final int SHOWN_CHARACTERS = 60;

    private final boolean strict;
    private final List<String> warnings = new ArrayList<>();
    private String subject = "";

    Reading(boolean strict) {
        this.strict = strict;
    }

    /** What is read from here on, as a config is called of which it cannot be understood. */
    Reading of(String part) {
        subject = part;
        return this;
    }

    String subject() {
        return subject;
    }

    /** @throws QuantizationException {@code QUANTIZATION_UNSUPPORTED} in a strict reading; a lenient one goes on */
    void refuse(String message) {
        if (strict) {
            throw Declaration.unsupported(message);
        }
    }

    /** Says what loaders are known to stumble over, although it is understood. */
    void warn(String warning) {
        warnings.add(warning);
    }

    List<String> warnings() {
        return warnings;
    }

    /** The same, of what failed already. */
    void refuse(QuantizationException failure) {
        if (strict) {
            throw failure;
        }
    }

    /** A value as a message quotes it: short, whatever the file holds. */
    static String shown(JsonNode value) {
        return shortened(value.isMissingNode() ? "missing" : value.toString(), SHOWN_CHARACTERS);
    }

    static String shortened(String text, int characters) {
        return text.length() > characters ? text.substring(0, characters) + "…" : text;
    }
}
