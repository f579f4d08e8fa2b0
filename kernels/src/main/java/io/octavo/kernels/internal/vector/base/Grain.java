package io.octavo.kernels.internal.vector.base;

/** How much work goes together. */
public final class Grain {

    /**
     * Numbers that one call of an inner loop takes: few enough to stay in the first-level cache, and for a fresh process to
     * count the calls after which it compiles the loop within its first rows. Until then vectors are objects, and slow.
     */
    public static final int PIECE = 512;

    /** A few microseconds of element-wise work, worth handing to another thread. */
    private static final int ELEMENTS = 1 << 14;

    private Grain() {}

    public static long rows(int columns) {
        return Math.max(1, ELEMENTS / Math.max(columns, 1));
    }

    public static long elements() {
        return ELEMENTS;
    }
}
