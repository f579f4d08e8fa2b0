package io.octavo.kernels.device;

/** Operations that were recorded on a {@link Stream} once, to be run on it again and again at the cost of one. */
public interface Recording extends AutoCloseable {

    /** Submits all of it, in order. What it uses must still be there, at the same place. */
    void replay();

    /** How many kernels, fills and allocations it consists of. */
    int operations();

    /** The stream must have passed every replay. Idempotent. */
    @Override
    void close();
}
