package io.octavo.engine.module;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which experts a Linear belongs to: loaders join all of those of a layer, and ask for their scheme once. */
public final class Experts {

    /** One of them by its number, or several as a plan writes them. */
    private static final Pattern EXPERT = Pattern.compile("(.*experts)\\.(?:[0-9]+|\\{[0-9.,]+})\\.[^.]+");

    private Experts() {}

    /** The name of the module that holds the experts; empty for what is no expert's. */
    public static Optional<String> of(String module) {
        Matcher expert = EXPERT.matcher(module);
        return expert.matches() ? Optional.of(expert.group(1)) : Optional.empty();
    }
}
