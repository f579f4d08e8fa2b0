package io.octavo.jobs.problem;

/**
 * One wrong member of a request.
 *
 * @param field its place, such as {@code tasks[0].dataset}
 */
public record FieldError(String field, String message) {}
