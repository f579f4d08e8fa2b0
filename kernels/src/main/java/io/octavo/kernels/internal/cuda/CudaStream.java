package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Stream;
import java.lang.foreign.MemorySegment;

/** A stream of the device with its staging memory and its scratch for launches; for one thread at a time. */
final class CudaStream implements Stream {

    private final GpuDriver driver;
    private final PinnedMemory pinned;
    private final Handles.Stream handle;
    private final StagingRing staging;
    private final KernelCall call;
    private volatile boolean closed;

    CudaStream(GpuDriver driver, PinnedMemory pinned, HostCopier copier) {
        this.driver = driver;
        this.pinned = pinned;
        this.handle = driver.newStream();
        this.staging = new StagingRing(driver, pinned, copier, handle);
        this.call = new KernelCall(driver, handle);
    }

    /**
     * Every operation calls this first.
     *
     * @throws IllegalArgumentException if {@code stream} belongs to another backend
     * @throws IllegalStateException if it is closed
     */
    static CudaStream require(Stream stream) {
        if (!(stream instanceof CudaStream cuda)) {
            throw new IllegalArgumentException(
                    "stream belongs to another backend: " + stream.getClass().getName());
        }
        if (cuda.closed) {
            throw new IllegalStateException("stream is closed");
        }
        return cuda;
    }

    Handles.Stream handle() {
        return handle;
    }

    boolean isClosed() {
        return closed;
    }

    /** Starts a launch; its parameters follow in the order of the kernel's struct. */
    KernelCall call(Kernel kernel) {
        return call.begin(kernel);
    }

    void upload(MemorySegment source, long device) {
        if (pinned.holds(source)) {
            driver.copyToDevice(device, source.address(), source.byteSize(), handle);
        } else {
            staging.upload(source, device);
        }
    }

    void download(long device, MemorySegment target) {
        if (pinned.holds(target)) {
            driver.copyToHost(target.address(), device, target.byteSize(), handle);
        } else {
            staging.download(device, target);
        }
    }

    @Override
    public void synchronize() {
        require(this);
        driver.synchronize(handle);
        staging.finishDownloads();
    }

    @Override
    public void close() {
        if (!closed) {
            if (driver.isUsable()) {
                synchronize();
            }
            closed = true;
            staging.close();
            call.close();
            driver.destroy(handle);
        }
    }
}
