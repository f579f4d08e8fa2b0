package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.Stream;

/** Runs everything at once in the submitting thread; synchronizing has nothing left to wait for. */
public final class HostStream implements Stream {

    private volatile boolean closed;

    HostStream() {}

    /**
     * Every operation calls this first.
     *
     * @throws IllegalArgumentException if {@code stream} belongs to another backend
     * @throws IllegalStateException if it is closed
     */
    public static void require(Stream stream) {
        if (!(stream instanceof HostStream host)) {
            throw new IllegalArgumentException(
                    "stream belongs to another backend: " + stream.getClass().getName());
        }
        if (host.closed) {
            throw new IllegalStateException("stream is closed");
        }
    }

    @Override
    public void synchronize() {
        require(this);
    }

    @Override
    public void close() {
        closed = true;
    }
}
