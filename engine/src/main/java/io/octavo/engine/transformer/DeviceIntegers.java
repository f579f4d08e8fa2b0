package io.octavo.engine.transformer;

import io.octavo.kernels.Backend;
import io.octavo.kernels.DType;
import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A small device matrix of I32 with the host memory that feeds it. */
final class DeviceIntegers implements AutoCloseable {

    private final Arena arena = Arena.ofShared();
    private final MemorySegment host;
    private final DeviceBuffer device;

    DeviceIntegers(Backend backend, String owner, int capacity) {
        long bytes = (long) capacity * Integer.BYTES;
        this.host = arena.allocate(bytes, Integer.BYTES);
        this.device = backend.allocate(owner, bytes);
    }

    /**
     * Uploads in stream order. The stream must have passed the former upload before this is called again.
     *
     * @return {@code [rows, values.length / rows]}
     */
    Matrix set(int[] values, int rows, Stream stream) {
        long bytes = (long) values.length * Integer.BYTES;
        MemorySegment.copy(values, 0, host, ValueLayout.JAVA_INT, 0, values.length);
        device.copyFrom(host.asSlice(0, bytes), 0, stream);
        return Matrix.of(device, DType.I32, rows, values.length / rows);
    }

    @Override
    public void close() {
        device.close();
        arena.close();
    }
}
