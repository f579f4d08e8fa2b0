package io.octavo.wire;

/** How far a deployment is. */
public enum DeploymentState {
    /** It waits for a worker: its first, or the next one after a worker was lost. */
    QUEUED,
    /** A worker fetches and loads the model. */
    LOADING,
    /** Calls are answered. */
    READY,
    /** Somebody stopped it, and its worker has not told yet that it is over. */
    STOPPING,
    /** It was stopped, or its time was up. */
    STOPPED,
    /** It cannot be served, or not any more. */
    FAILED;

    /** Whether nothing more becomes of it. */
    public boolean isTerminal() {
        return this == STOPPED || this == FAILED;
    }
}
