package io.octavo.engine.failure;

/** What a failure asks of whoever runs the job. */
public enum ErrorKind {
    /** The request or its data are wrong: fail, do not retry. */
    USER,
    /** Something is exhausted (memory, disk): retry later. */
    RESOURCE,
    /** Something outside failed (storage, connection): retry with backoff. */
    TRANSIENT,
    /** A defect of ours: fail and alert. */
    INTERNAL
}
