package io.octavo.kernels.device;

import io.octavo.kernels.number.DType;

/**
 * A row-major matrix inside a {@link DeviceBuffer}; a view that owns nothing.
 *
 * @param offset first byte inside the buffer; a multiple of the element size
 */
public record Matrix(DeviceBuffer buffer, long offset, DType dtype, long rows, long columns) {

    public Matrix {
        if (rows < 0 || columns < 0) {
            throw new IllegalArgumentException("negative shape: " + rows + " x " + columns);
        }
        if (offset < 0 || offset % dtype.bytes() != 0) {
            throw new IllegalArgumentException("offset " + offset + " is not aligned to " + dtype);
        }
        long end = Math.addExact(offset, bytes(dtype, rows, columns));
        if (end > buffer.bytes()) {
            throw new IllegalArgumentException(rows + " x " + columns + " " + dtype + " at byte " + offset + " needs "
                    + end + " bytes, the buffer has " + buffer.bytes());
        }
    }

    /** A matrix at the start of its buffer. */
    public static Matrix of(DeviceBuffer buffer, DType dtype, long rows, long columns) {
        return new Matrix(buffer, 0, dtype, rows, columns);
    }

    /** Bytes of a dense {@code rows x columns} matrix; throws {@link ArithmeticException} on overflow. */
    public static long bytes(DType dtype, long rows, long columns) {
        return Math.multiplyExact(Math.multiplyExact(rows, columns), (long) dtype.bytes());
    }

    public long bytes() {
        return bytes(dtype, rows, columns);
    }

    public long elements() {
        return rows * columns;
    }

    /** The rows {@code [from, to)} as a view. */
    public Matrix rows(long from, long to) {
        if (from < 0 || to < from || to > rows) {
            throw new IllegalArgumentException("rows [" + from + ", " + to + ") of " + rows);
        }
        return new Matrix(buffer, offset + bytes(dtype, from, columns), dtype, to - from, columns);
    }

    /** The {@code index}-th of {@code count} views of as many rows each. */
    public Matrix part(int index, int count) {
        if (count <= 0 || rows % count != 0) {
            throw new IllegalArgumentException(rows + " rows are not " + count + " times as many");
        }
        return rows(index * (rows / count), (index + 1) * (rows / count));
    }

    /** The same bytes in another shape with the same number of elements. */
    public Matrix reshape(long newRows, long newColumns) {
        if (Math.multiplyExact(newRows, newColumns) != elements()) {
            throw new IllegalArgumentException(
                    "cannot reshape " + rows + " x " + columns + " to " + newRows + " x " + newColumns);
        }
        return new Matrix(buffer, offset, dtype, newRows, newColumns);
    }
}
