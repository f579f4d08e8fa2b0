package io.octavo.kernels.internal.vector.base;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/** Sums within a vector in a fixed order, the same in interpreted and compiled code. */
public final class Lanes {

    private static final VectorShuffle<Float> BY_8 = rotation(8);
    private static final VectorShuffle<Float> BY_4 = rotation(4);
    private static final VectorShuffle<Float> BY_2 = rotation(2);
    private static final VectorShuffle<Float> BY_1 = rotation(1);

    private Lanes() {}

    private static VectorShuffle<Float> rotation(int by) {
        return VectorShuffle.fromOp(FLOATS, lane -> (lane + by) % LANES);
    }

    /** Pairwise: lane i with lane i + n/2, and so on. */
    public static float sum(FloatVector vector) {
        FloatVector sum = vector;
        if (LANES >= 16) {
            sum = sum.add(sum.rearrange(BY_8));
        }
        if (LANES >= 8) {
            sum = sum.add(sum.rearrange(BY_4));
        }
        if (LANES >= 4) {
            sum = sum.add(sum.rearrange(BY_2));
        }
        return sum.add(sum.rearrange(BY_1)).lane(0);
    }
}
