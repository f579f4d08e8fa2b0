package io.octavo.engine.module;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;

/**
 * Names modules: exactly, or by {@code re:} and a regular expression that must match from the name's first character,
 * as loaders do.
 *
 * <p>Patterns come from strangers, so they run on an engine whose time is linear in the name, and their compiled size is
 * limited. That engine has no look-around and no back-references.
 */
public sealed interface ModulePattern {

    boolean matches(String module);

    /** The pattern as it was written. */
    String text();

    record Exact(String text) implements ModulePattern {
        @Override
        public boolean matches(String module) {
            return module.equals(text);
        }
    }

    record Regex(String text, Pattern compiled) implements ModulePattern {
        @Override
        public boolean matches(String module) {
            return compiled.matcher(module).lookingAt();
        }
    }

    String REGEX_PREFIX = "re:";
    int MAX_CHARACTERS = 1024;
    int MAX_PROGRAM_SIZE = 2000;

    /**
     * @param code of the failure
     * @throws QuantizationException if a regular expression is invalid, unsupported or too large
     */
    static ModulePattern parse(String text, ErrorCode code) {
        if (text.isEmpty() || text.length() > MAX_CHARACTERS) {
            throw new QuantizationException(
                    code, "a module pattern has " + text.length() + " characters; allowed: 1 to " + MAX_CHARACTERS);
        }
        if (!text.startsWith(REGEX_PREFIX)) {
            return new Exact(text);
        }
        try {
            Pattern compiled = Pattern.compile(text.substring(REGEX_PREFIX.length()));
            if (compiled.programSize() > MAX_PROGRAM_SIZE) {
                throw new QuantizationException(
                        code,
                        "module pattern " + text + " compiles to " + compiled.programSize() + " instructions; at most "
                                + MAX_PROGRAM_SIZE + " are allowed");
            }
            return new Regex(text, compiled);
        } catch (PatternSyntaxException e) {
            throw new QuantizationException(code, "module pattern " + text + ": " + e.getMessage(), e);
        }
    }
}
