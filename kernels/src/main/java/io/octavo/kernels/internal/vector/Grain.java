package io.octavo.kernels.internal.vector;

/** How much cheap work is worth handing to another thread. */
final class Grain {

    /** A few microseconds of element-wise work. */
    private static final int ELEMENTS = 1 << 14;

    private Grain() {}

    static long rows(int columns) {
        return Math.max(1, ELEMENTS / Math.max(columns, 1));
    }

    static long elements() {
        return ELEMENTS;
    }
}
