package io.octavo.engine.transformer;

import io.octavo.kernels.Backend;
import io.octavo.kernels.DType;
import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A small device matrix of I32 with the host memory that feeds it. */
final class DeviceIntegers implements AutoCloseable {

    /** Rows start at multiples of 64 bytes. */
    private static final int ROW_VALUES = 16;

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

    /** What {@link #setAll} needs for rows of so many values. */
    static int capacity(int... counts) {
        int total = 0;
        for (int count : counts) {
            total = Math.addExact(total, padded(count));
        }
        return total;
    }

    private static int padded(int count) {
        return Math.multiplyExact(Math.ceilDiv(count, ROW_VALUES), ROW_VALUES);
    }

    /**
     * Uploads several rows in one copy, as {@link #set} does one matrix. Where they lie depends on their lengths alone.
     *
     * @return {@code [1, length]} for each
     */
    List<Matrix> setAll(List<int[]> rows, Stream stream) {
        var matrices = new ArrayList<Matrix>();
        int at = 0;
        for (int[] row : rows) {
            MemorySegment.copy(row, 0, host, ValueLayout.JAVA_INT, (long) at * Integer.BYTES, row.length);
            matrices.add(new Matrix(device, (long) at * Integer.BYTES, DType.I32, 1, row.length));
            at += padded(row.length);
        }
        device.copyFrom(host.asSlice(0, (long) at * Integer.BYTES), 0, stream);
        return matrices;
    }

    @Override
    public void close() {
        device.close();
        arena.close();
    }
}
