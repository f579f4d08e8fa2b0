package io.octavo.jobs.audit;

/** What came of a call. */
public enum AuditOutcome {
    /** It made a change, and this entry was committed with it. */
    COMMITTED,
    /** It was answered without a change; or it is of before entries were committed with changes. */
    ANSWERED,
    /** It was not allowed, or asked for what cannot be; nothing changed. */
    REFUSED,
    /** It did not get through; nothing changed. */
    FAILED;

    /** Of a call that committed nothing. */
    static AuditOutcome of(int status) {
        if (status >= 500) {
            return FAILED;
        }
        return status >= 400 ? REFUSED : ANSWERED;
    }
}
