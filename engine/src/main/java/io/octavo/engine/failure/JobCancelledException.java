package io.octavo.engine.failure;

/** Thrown out of a monitor's checkpoint when the caller no longer wants the result. */
public class JobCancelledException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public JobCancelledException(String message) {
        super(message);
    }
}
