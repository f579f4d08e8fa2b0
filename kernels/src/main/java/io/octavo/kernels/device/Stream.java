package io.octavo.kernels.device;

import java.util.Optional;

/** An ordered queue of operations. Operations on one stream run in the order in which they were submitted. */
public interface Stream extends AutoCloseable {

    /**
     * Records operations instead of running them.
     *
     * @param work submits to this stream alone, copies nothing from or to the host, and has run before, so that nothing is
     *     prepared in it any more
     * @return empty where the backend cannot record, or not this; then {@code work} has had no effect
     */
    default Optional<Recording> record(Runnable work) {
        return Optional.empty();
    }

    /** Returns once everything submitted so far has finished. */
    void synchronize();

    /** Waits for the submitted work, then releases the stream. */
    @Override
    void close();
}
