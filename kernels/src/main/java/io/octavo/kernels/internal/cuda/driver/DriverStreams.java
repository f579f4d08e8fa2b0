package io.octavo.kernels.internal.cuda.driver;

import java.util.Optional;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/** The driver's calls for streams, events and graphs. */
public final class DriverStreams {

    /** What the driver says when a capture was invalidated, or cannot be ended. */
    private static final int FIRST_CAPTURE_ERROR = CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;

    private static final int LAST_CAPTURE_ERROR = CUresult.CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;

    private final GpuDriver driver;

    DriverStreams(GpuDriver driver) {
        this.driver = driver;
    }

    public Handles.Stream newStream() {
        driver.enter();
        var stream = new Handles.Stream();
        driver.check(JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING), "cuStreamCreate");
        return stream;
    }

    public void synchronize(Handles.Stream stream) {
        driver.enter();
        driver.check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize");
    }

    public void destroy(Handles.Stream stream) {
        driver.release(() -> JCudaDriver.cuStreamDestroy(stream));
    }

    /** For {@link #synchronize(Handles.Event)} alone: it tells no time. */
    Handles.Event newEvent() {
        driver.enter();
        var event = new Handles.Event();
        driver.check(JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DISABLE_TIMING), "cuEventCreate");
        return event;
    }

    void record(Handles.Event event, Handles.Stream stream) {
        driver.enter();
        driver.check(JCudaDriver.cuEventRecord(event, stream), "cuEventRecord");
    }

    public void synchronize(Handles.Event event) {
        driver.enter();
        driver.check(JCudaDriver.cuEventSynchronize(event), "cuEventSynchronize");
    }

    public void destroy(Handles.Event event) {
        driver.release(() -> JCudaDriver.cuEventDestroy(event));
    }

    /** From now on what this thread submits to {@code stream} is collected. */
    void beginCapture(Handles.Stream stream) {
        driver.enter();
        driver.check(
                JCudaDriver.cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                "cuStreamBeginCapture");
    }

    /** @return what was collected; empty if something could not be */
    Optional<Handles.Graph> endCapture(Handles.Stream stream) {
        driver.enter();
        var graph = new Handles.Graph();
        int status = JCudaDriver.cuStreamEndCapture(stream, graph);
        if (FIRST_CAPTURE_ERROR <= status && status <= LAST_CAPTURE_ERROR) {
            return Optional.empty();
        }
        driver.check(status, "cuStreamEndCapture");
        return Optional.of(graph);
    }

    int nodes(Handles.Graph graph) {
        driver.enter();
        long[] count = new long[1];
        driver.check(JCudaDriver.cuGraphGetNodes(graph, null, count), "cuGraphGetNodes");
        return Math.toIntExact(count[0]);
    }

    Handles.Executable instantiate(Handles.Graph graph) {
        driver.enter();
        var executable = new Handles.Executable();
        driver.check(JCudaDriver.cuGraphInstantiate(executable, graph, 0), "cuGraphInstantiate");
        return executable;
    }

    void launch(Handles.Executable graph, Handles.Stream stream) {
        driver.enter();
        driver.check(JCudaDriver.cuGraphLaunch(graph, stream), "cuGraphLaunch");
    }

    public void destroy(Handles.Graph graph) {
        driver.release(() -> JCudaDriver.cuGraphDestroy(graph));
    }

    public void destroy(Handles.Executable graph) {
        driver.release(() -> JCudaDriver.cuGraphExecDestroy(graph));
    }
}
