package io.octavo.kernels.backend;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A device: its memory, its streams and its operations.
 *
 * <p>Operations are asynchronous: they validate shapes at once ({@link IllegalArgumentException}), then run in stream
 * order and borrow their buffers until the stream has passed them. They never allocate device memory that the caller
 * sees and never synchronize. Results do not depend on the number of threads. A backend is safe for use by several
 * threads, each with its own stream.
 */
public interface Backend extends AutoCloseable {

    /** {@code cpu} or {@code cuda}. */
    String name();

    /** One line for logs: the device and what of it is used. */
    String description();

    /** Memory of the device that nobody uses now; 0 where operations run in the host's. */
    default long freeMemoryBytes() {
        return 0;
    }

    /** Ten times the compute capability, 90 for 9.0; 0 where there is none. */
    default int computeCapability() {
        return 0;
    }

    /**
     * Allocates zeroed memory.
     *
     * @param owner who accounts for it, for budgets and error messages, such as {@code kv-cache}
     * @throws IllegalStateException if the device has too little free memory; the message names owner and sizes
     */
    DeviceBuffer allocate(String owner, long bytes);

    /**
     * Makes host bytes readable by operations: the CPU backend borrows {@code host} without a copy, a GPU backend copies
     * it in stream order. The result is read-only by contract and must be closed before {@code host} goes away.
     */
    DeviceBuffer place(String owner, MemorySegment host, Stream stream);

    /**
     * Allocates zeroed host memory that {@link DeviceBuffer#copyFrom} and {@link DeviceBuffer#copyTo} serve at full
     * speed, without waiting for the stream.
     *
     * @throws IllegalStateException if the host has too little memory
     */
    HostMemory allocateHost(long bytes);

    Stream newStream();

    /**
     * What activations are best rounded to before they are multiplied with 16-bit weights: F32 where products are
     * computed in f32, BF16 where tensor cores take that.
     */
    DType productInput();

    /** Whether {@link Operations#packedMatMul} is faster than products with the same codes in bytes: where reading weights takes the time. */
    boolean readsFewerBitsFaster();

    Operations operations();

    /**
     * The same device, by operations that compute a row in the same way whatever rows are beside it, so that a text does not
     * depend on those it shares a batch with. Slower for few rows. Closing it has no effect.
     *
     * @return this, where operations are so anyway or the backend has no others
     */
    default Backend batchInvariant() {
        return this;
    }

    /**
     * The same device, of which large buffers lie in files where its memory is the host's, so that the system may take that back;
     * a file has no name any more when its buffer is there. Closing it has no effect. {@link #allocate} throws an
     * {@link java.io.UncheckedIOException} where a file cannot be written, on a full disk, say.
     *
     * @param folder for the files
     * @param fromBytes of a buffer that lies in a file, above 0
     * @return this, where the device has memory of its own
     */
    default Backend spilling(Path folder, long fromBytes) {
        return this;
    }

    @Override
    void close();
}
