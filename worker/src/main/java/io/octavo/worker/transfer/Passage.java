package io.octavo.worker.transfer;

/** Counts the bytes of a transfer. */
@FunctionalInterface
public interface Passage {

    /**
     * Called after every piece.
     *
     * @param bytes that came through since the last call; 0 is fine
     * @throws io.octavo.engine.failure.JobCancelledException if the transfer should end
     */
    void passed(long bytes);
}
