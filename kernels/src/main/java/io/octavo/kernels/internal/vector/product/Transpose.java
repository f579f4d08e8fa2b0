package io.octavo.kernels.internal.vector.product;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import jdk.incubator.vector.FloatVector;

/** Turns rows into columns, one vector wide. */
public final class Transpose {

    private Transpose() {}

    /**
     * {@code target[at + c * targetStride + r] = rows[r * rowStride + c]} for {@code LANES} rows and {@code count}
     * columns.
     */
    public static void intoColumns(float[] rows, int rowStride, int count, float[] target, int at, int targetStride) {
        int[] rowStarts = new int[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            rowStarts[lane] = lane * rowStride;
        }
        for (int c = 0; c < count; c++) {
            FloatVector.fromArray(FLOATS, rows, c, rowStarts, 0).intoArray(target, at + c * targetStride);
        }
    }
}
