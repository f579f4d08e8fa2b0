package io.octavo.jobs.spec;

/** What a step of a pipeline may be called. */
final class StepName {

    static final int MAX_LENGTH = 64;
    static final String PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
    static final String MESSAGE =
            "must be 1 to " + MAX_LENGTH + " letters, digits, '.', '_' or '-', starting with a letter or digit";

    private StepName() {}

    static boolean is(String name) {
        return name.matches(PATTERN);
    }

    /** @throws IllegalArgumentException if it is none */
    static String require(String name) {
        if (!is(name)) {
            throw new IllegalArgumentException("names a step, which " + MESSAGE);
        }
        return name;
    }
}
