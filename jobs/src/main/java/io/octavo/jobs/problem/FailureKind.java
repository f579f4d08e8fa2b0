package io.octavo.jobs.problem;

/** What a failure asks of whoever runs the job. */
public enum FailureKind {
    /** The request or its data are wrong: fail, do not retry. */
    USER,
    /** Something is exhausted (memory, disk): retry later. */
    RESOURCE,
    /** Something outside failed (storage, a lost worker): retry with backoff. */
    TRANSIENT,
    /** A defect of ours: fail and alert. */
    INTERNAL;

    public boolean retryable() {
        return this == RESOURCE || this == TRANSIENT;
    }
}
