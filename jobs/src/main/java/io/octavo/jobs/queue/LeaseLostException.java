package io.octavo.jobs.queue;

/** A write was refused because its lease no longer holds. Whoever meets it stops and leaves no trace. */
public class LeaseLostException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public LeaseLostException(Lease lease) {
        super("job " + lease.jobId() + ": attempt " + lease.attempt() + " no longer holds the lease");
    }
}
