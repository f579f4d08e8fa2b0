package io.octavo.jobs.problem;

/**
 * One wrong member of a request.
 *
 * @param field its place, such as {@code tasks[0].dataset}
 * @param message may quote what was sent, and is cut where that is long
 */
public record FieldError(String field, String message) {

    private static final int LONGEST = 2000;

    public FieldError {
        message = message.length() <= LONGEST ? message : message.substring(0, LONGEST) + "...";
    }

    /** The same of a member of what lies at a place. */
    public FieldError below(String place) {
        return new FieldError(place + "." + field, message);
    }
}
