package io.octavo.jobs.spec;

import java.util.regex.Pattern;

/** What a step of a pipeline may be called. */
final class StepName {

    static final int MAX_LENGTH = 64;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

    private StepName() {}

    /** @throws IllegalArgumentException if it is none */
    static String require(String name) {
        if (name.length() > MAX_LENGTH || !NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("step's name must be 1 to " + MAX_LENGTH
                    + " letters, digits, '.', '_' or '-', starting with a letter or digit");
        }
        return name;
    }
}
