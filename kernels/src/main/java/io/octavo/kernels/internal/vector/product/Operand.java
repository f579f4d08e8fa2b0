package io.octavo.kernels.internal.vector.product;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.number.DType;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** A {@link ScaledMatrix} resolved to addresses. */
public final class Operand {

    private final DType dtype;
    private final long address;
    private final long rowBytes;
    private final @Nullable Scales scales;

    private Operand(DType dtype, long address, long rowBytes, @Nullable Scales scales) {
        this.dtype = dtype;
        this.address = address;
        this.rowBytes = rowBytes;
        this.scales = scales;
    }

    static Operand of(ScaledMatrix matrix) {
        Matrix codes = matrix.codes();
        return new Operand(
                codes.dtype(),
                Native.address(codes),
                codes.columns() * codes.dtype().bytes(),
                Scales.of(matrix));
    }

    long rowBytes() {
        return rowBytes;
    }

    long rowAddress(long row) {
        return address + row * rowBytes;
    }

    /** BF16 whose scales, if any, can be taken out of the sums. */
    boolean isPlainBf16() {
        return dtype == DType.BF16 && (scales == null || !scales.perGroup());
    }

    /**
     * Converts the columns {@code [column, column + count)} of a row. Scales per group are multiplied in; those per row
     * or tensor are left to {@link #scaleRow}, since they can be taken out of the sum.
     */
    void readRow(long row, int column, int count, float[] target, int at) {
        RowReader.read(dtype, rowAddress(row) + (long) column * dtype.bytes(), count, target, at);
        if (scales != null && scales.perGroup()) {
            scales.multiplyGroups(row, column, count, target, at);
        }
    }

    /** What the sums of a row are multiplied by at the end. */
    float scaleRow(long row) {
        return scales == null || scales.perGroup() ? 1 : scales.get(row, 0);
    }

    /**
     * @param rowStride scales from one row to the next; 0 if all share one
     * @param groupSize columns that share a scale
     */
    private record Scales(DType dtype, long address, long rowStride, int groupSize, boolean perGroup) {

        static @Nullable Scales of(ScaledMatrix matrix) {
            Matrix scales = matrix.scales();
            if (scales == null || matrix.columns() == 0) {
                return null;
            }
            boolean perTensor = scales.rows() == 1 && scales.columns() == 1;
            return new Scales(
                    scales.dtype(),
                    Native.address(scales),
                    perTensor ? 0 : scales.columns(),
                    (int) (matrix.columns() / scales.columns()),
                    scales.columns() > 1);
        }

        float get(long row, int group) {
            return Native.getNumber(dtype, address + (row * rowStride + group) * dtype.bytes());
        }

        void multiplyGroups(long row, int column, int count, float[] values, int at) {
            int i = 0;
            while (i < count) {
                int group = (column + i) / groupSize;
                int end = (int) Math.min(count, (group + 1L) * groupSize - column);
                float scale = get(row, group);
                for (; i + LANES <= end; i += LANES) {
                    FloatVector.fromArray(FLOATS, values, at + i).mul(scale).intoArray(values, at + i);
                }
                for (; i < end; i++) {
                    values[at + i] *= scale;
                }
            }
        }
    }
}
