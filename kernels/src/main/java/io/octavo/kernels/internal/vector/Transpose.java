package io.octavo.kernels.internal.vector;

import static io.octavo.kernels.internal.vector.Native.LANES;

/** Turns rows into columns, one vector wide. */
final class Transpose {

    private static final int[] LANE_NUMBERS = new int[LANES];

    static {
        for (int lane = 0; lane < LANES; lane++) {
            LANE_NUMBERS[lane] = lane;
        }
    }

    private Transpose() {}

    /**
     * {@code target[at + c * targetStride + r] = rows[r * rowStride + c]} for {@code LANES} rows and {@code count}
     * columns.
     */
    static void intoColumns(float[] rows, int rowStride, int count, float[] target, int at, int targetStride) {
        for (int c = 0; c < count; c++) {
            for (int r = 0; r < LANES; r++) {
                target[at + c * targetStride + r] = rows[r * rowStride + c];
            }
        }
    }
}
