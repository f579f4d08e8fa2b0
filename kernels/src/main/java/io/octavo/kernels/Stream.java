package io.octavo.kernels;

/** An ordered queue of operations. Operations on one stream run in the order in which they were submitted. */
public interface Stream extends AutoCloseable {

    /** Returns once everything submitted so far has finished. */
    void synchronize();

    /** Waits for the submitted work, then releases the stream. */
    @Override
    void close();
}
