package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A range of device memory. */
public final class CudaBuffer implements DeviceBuffer {

    private final GpuDriver driver;
    private final DeviceMemory memory;
    private final String owner;
    private final long address;
    private final long bytes;
    private final Home home;
    private final @Nullable MemorySegment host;
    private volatile boolean closed;

    /** The stream in whose order a buffer is freed. */
    public interface Home {
        Handles.Stream stream();
    }

    /** @param host what the buffer is a copy of, if anything; using the buffer needs it alive, as on every backend */
    CudaBuffer(
            GpuDriver driver,
            DeviceMemory memory,
            String owner,
            long address,
            long bytes,
            Home home,
            @Nullable MemorySegment host) {
        this.driver = driver;
        this.memory = memory;
        this.owner = owner;
        this.address = address;
        this.bytes = bytes;
        this.home = home;
        this.host = host;
    }

    /** Of matrices that some things have; 0 where one has none. */
    public static <T> List<Long> addressesOf(List<T> owners, Function<T, @Nullable Matrix> part) {
        return owners.stream()
                .map(part)
                .map(matrix -> matrix == null ? 0L : addressOf(matrix))
                .toList();
    }

    /** Where {@code matrix} starts on the device. */
    public static long addressOf(Matrix matrix) {
        if (!(matrix.buffer() instanceof CudaBuffer buffer)) {
            throw new IllegalArgumentException("buffer belongs to another backend: "
                    + matrix.buffer().getClass().getName());
        }
        return buffer.address() + matrix.offset();
    }

    private long address() {
        if (closed) {
            throw new IllegalStateException("buffer of " + owner + " is closed");
        }
        if (host != null && !host.scope().isAlive()) {
            throw new IllegalStateException("host memory behind the buffer of " + owner + " was released");
        }
        return address;
    }

    @Override
    public long bytes() {
        address();
        return bytes;
    }

    @Override
    public void copyFrom(MemorySegment source, long offset, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        long target = address();
        checkRange(offset, source.byteSize());
        cuda.upload(source, target + offset);
    }

    @Override
    public void copyTo(MemorySegment target, long offset, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        long source = address();
        checkRange(offset, target.byteSize());
        cuda.download(source + offset, target);
    }

    @Override
    public void fill(byte value, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        long target = address();
        if (bytes > 0) {
            driver.memory().fill(target, value, bytes, cuda.handle());
        }
    }

    private void checkRange(long offset, long size) {
        if (offset < 0 || size > bytes - offset) {
            throw new IllegalArgumentException(size + " bytes at offset " + offset + " do not fit the " + bytes
                    + " bytes of the buffer of " + owner);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            memory.free(owner, address, bytes, home.stream());
        }
    }
}
