package io.octavo.worker.attempt;

/** Why an attempt should end before its work is done. */
public enum StopReason {
    /** A user cancelled the job. */
    CANCELLED,
    /** Another attempt has the job, or may have it by now. */
    LEASE_LOST,
    /** The job took longer than it may. */
    JOB_TIMED_OUT,
    /** A phase took longer than it may. */
    PHASE_TIMED_OUT,
    /** The worker goes away. */
    SHUTDOWN
}
