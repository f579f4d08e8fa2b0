package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.Recording;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;

/** A graph of launches, captured from a stream. */
final class CudaRecording implements Recording {

    private final GpuDriver driver;
    private final CudaStream stream;
    private final CUgraphExec graph;
    private final int operations;
    private boolean closed;

    /** @param captured destroyed here */
    CudaRecording(GpuDriver driver, CudaStream stream, CUgraph captured) {
        this.driver = driver;
        this.stream = stream;
        try {
            this.operations = driver.nodes(captured);
            this.graph = driver.instantiate(captured);
        } finally {
            driver.destroy(captured);
        }
    }

    @Override
    public void replay() {
        if (closed) {
            throw new IllegalStateException("recording is closed");
        }
        driver.launch(graph, CudaStream.require(stream).handle());
    }

    @Override
    public int operations() {
        return operations;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            driver.destroy(graph);
        }
    }
}
