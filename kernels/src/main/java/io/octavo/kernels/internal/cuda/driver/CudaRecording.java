package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.Recording;

/** A graph of launches, captured from a stream. */
final class CudaRecording implements Recording {

    private final GpuDriver driver;
    private final CudaStream stream;
    private final Handles.Executable graph;
    private final int operations;
    private boolean closed;

    /** @param captured destroyed here */
    CudaRecording(GpuDriver driver, CudaStream stream, Handles.Graph captured) {
        this.driver = driver;
        this.stream = stream;
        try {
            this.operations = driver.streams().nodes(captured);
            this.graph = driver.streams().instantiate(captured);
        } finally {
            driver.streams().destroy(captured);
        }
    }

    @Override
    public void replay() {
        if (closed) {
            throw new IllegalStateException("recording is closed");
        }
        driver.streams().launch(graph, CudaStream.require(stream).handle());
    }

    @Override
    public int operations() {
        return operations;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            driver.streams().destroy(graph);
        }
    }
}
