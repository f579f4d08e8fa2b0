package io.octavo.engine.transformer;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A small device matrix of I32. */
final class DeviceIntegers implements AutoCloseable {

    /** Rows start at multiples of 64 bytes. */
    private static final int ROW_VALUES = 16;

    private final DeviceBuffer device;

    DeviceIntegers(Backend backend, String owner, int capacity) {
        this.device = backend.allocate(owner, (long) capacity * Integer.BYTES);
    }

    /**
     * Uploads in stream order.
     *
     * @param values left alone until the stream has passed this
     * @return {@code [rows, values.length / rows]}
     */
    Matrix set(int[] values, int rows, Stream stream) {
        device.copyFrom(MemorySegment.ofArray(values), 0, stream);
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
        int[] all = new int[capacity(rows.stream().mapToInt(row -> row.length).toArray())];
        int at = 0;
        for (int[] row : rows) {
            System.arraycopy(row, 0, all, at, row.length);
            matrices.add(new Matrix(device, (long) at * Integer.BYTES, DType.I32, 1, row.length));
            at += padded(row.length);
        }
        set(all, 1, stream);
        return matrices;
    }

    @Override
    public void close() {
        device.close();
    }
}
