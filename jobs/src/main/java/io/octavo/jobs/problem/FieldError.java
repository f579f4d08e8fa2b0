package io.octavo.jobs.problem;

/**
 * One wrong member of a request.
 *
 * @param field its place, such as {@code tasks[0].dataset}
 */
public record FieldError(String field, String message) {

    /** The same of a member of what lies at a place. */
    public FieldError below(String place) {
        return new FieldError(place + "." + field, message);
    }
}
