package io.octavo.engine.checkpoint;

import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;

/** What is wrong with a JSON text and where, without what only the parser's developers understand. */
final class JsonFault {

    private static final Pattern INSIDES =
            Pattern.compile(", from `[^`]*`| \\((?:not recognized|start marker)(?:[^()]|\\([^()]*\\))*\\)");

    private JsonFault() {}

    static String of(JacksonException fault) {
        String what =
                INSIDES.matcher(String.valueOf(fault.getOriginalMessage())).replaceAll("");
        TokenStreamLocation at = fault.getLocation();
        return at == null || at.getLineNr() < 1
                ? what
                : what + ", at line " + at.getLineNr() + ", column " + at.getColumnNr();
    }
}
