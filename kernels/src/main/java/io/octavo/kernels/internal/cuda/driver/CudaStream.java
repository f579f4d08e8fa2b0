package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.DeviceFaultException;
import io.octavo.kernels.device.OutOfDeviceMemoryException;
import io.octavo.kernels.device.Recording;
import io.octavo.kernels.device.Stream;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A stream of the device with its staging memory and its scratch for launches; for one thread at a time. */
public final class CudaStream implements Stream {

    /** More than blocks that share out slices of a product on any device. */
    private static final int TICKETS = 4096;

    /** What blocks share that are as many as multiprocessors, on the largest devices. */
    static final long PARTS_BYTES = 8 << 20;

    private final GpuDriver driver;
    private final PinnedMemory pinned;
    private final Handles.Stream handle;
    private final StagingRing staging;
    private final KernelCall call;
    private long tickets;
    private boolean recording;
    private long parts;
    private volatile boolean closed;

    public CudaStream(GpuDriver driver, PinnedMemory pinned, HostCopier copier) {
        this.driver = driver;
        this.pinned = pinned;
        this.handle = driver.streams().newStream();
        this.staging = new StagingRing(driver, pinned, copier, handle);
        this.call = new KernelCall(driver, handle);
    }

    /**
     * Every operation calls this first.
     *
     * @throws IllegalArgumentException if {@code stream} belongs to another backend
     * @throws IllegalStateException if it is closed
     */
    public static CudaStream require(Stream stream) {
        if (!(stream instanceof CudaStream cuda)) {
            throw new IllegalArgumentException(
                    "stream belongs to another backend: " + stream.getClass().getName());
        }
        if (cuda.closed) {
            throw new IllegalStateException("stream is closed");
        }
        return cuda;
    }

    public Handles.Stream handle() {
        return handle;
    }

    public boolean isClosed() {
        return closed;
    }

    /** Starts a launch; its parameters follow in the order of the kernel's struct. */
    public KernelCall call(Kernel kernel) {
        return call.begin(kernel);
    }

    /** Device memory of zeros, 4 bytes each, that kernels use in turn and leave as zeros. */
    public long tickets(int count) {
        if (count > TICKETS) {
            throw new IllegalArgumentException(count + " tickets; there are " + TICKETS);
        }
        if (tickets == 0) {
            tickets = allocate("tickets", (long) TICKETS * Integer.BYTES);
            driver.memory().fill(tickets, (byte) 0, (long) TICKETS * Integer.BYTES, handle);
        }
        return tickets;
    }

    /** Whatever cannot be recorded, a failure of {@code work} among them, leaves the stream as it was. */
    @Override
    public Optional<Recording> record(Runnable work) {
        require(this);
        // What is allocated while recording belongs to the recording.
        tickets(TICKETS);
        parts();
        driver.streams().beginCapture(handle);
        recording = true;
        boolean complete = false;
        try {
            work.run();
            complete = true;
        } catch (DeviceFaultException e) {
            throw e;
        } catch (IllegalStateException e) {
            // Such as a call that the driver does not capture; running it unrecorded tells what is wrong with it, if
            // anything.
        } finally {
            recording = false;
            if (!complete) {
                driver.streams().endCapture(handle).ifPresent(driver.streams()::destroy);
            }
        }
        return complete
                ? driver.streams().endCapture(handle).map(graph -> new CudaRecording(driver, this, graph))
                : Optional.empty();
    }

    private void requireRunning() {
        if (recording) {
            throw new IllegalStateException("copies from and to the host are not recorded");
        }
    }

    /** {@link #PARTS_BYTES} of device memory that kernels use in turn: taking scratch would keep a short one from its start. */
    long parts() {
        if (parts == 0) {
            parts = allocate("parts of sums", PARTS_BYTES);
        }
        return parts;
    }

    private long allocate(String what, long bytes) {
        long address = driver.memory().allocate(bytes, handle);
        if (address == 0) {
            throw new OutOfDeviceMemoryException("no device memory for the " + what + " of a stream");
        }
        return address;
    }

    public void upload(MemorySegment source, long device) {
        requireRunning();
        call.keepApart();
        if (pinned.holds(source)) {
            driver.memory().copyToDevice(device, source.address(), source.byteSize(), handle);
        } else {
            staging.upload(source, device);
        }
    }

    void download(long device, MemorySegment target) {
        requireRunning();
        if (pinned.holds(target)) {
            driver.memory().copyToHost(target.address(), device, target.byteSize(), handle);
        } else {
            staging.download(device, target);
        }
    }

    @Override
    public void synchronize() {
        require(this);
        driver.streams().synchronize(handle);
        staging.finishDownloads();
    }

    @Override
    public void close() {
        if (!closed) {
            if (driver.isUsable()) {
                synchronize();
            }
            closed = true;
            for (long address : new long[] {tickets, parts}) {
                if (address != 0) {
                    driver.memory().free(address, handle);
                }
            }
            staging.close();
            call.close();
            driver.streams().destroy(handle);
        }
    }
}
