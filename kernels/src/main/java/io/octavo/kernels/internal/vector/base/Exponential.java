package io.octavo.kernels.internal.vector.base;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.IS_NAN;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * exp in f32 by a fixed sequence of operations, so that interpreted and compiled code, and every machine, give the same
 * bits.
 */
public final class Exponential {

    private static final float LOG2_E = (float) (1 / Math.log(2));
    /** Adding this rounds to an integer, which then sits in the low mantissa bits. */
    private static final float ROUNDER = 0x1.8p23f;

    private static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);
    /** ln 2 in two parts; the first has 9 significant bits, so that its product with any exponent is exact. */
    private static final float LN2_HIGH = 0x1.63p-1f;

    private static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);
    /** Below this the result would be subnormal: it becomes 0. */
    private static final float SMALLEST = -87.33654f;
    /** The last argument with a finite result. */
    private static final float LARGEST = 88.72283f;

    private Exponential() {}

    /**
     * Replaces each x of {@code values[at .. at + count)} by {@code e^(x - shift)} within 2 ulp. Results below 2^-126 are
     * 0, above the f32 range infinite; NaN stays NaN.
     *
     * <p>{@code x = n ln 2 + r} with {@code |r| <= ln 2 / 2}; e^r by its Taylor series to r^7, whose remainder there is
     * below 0.1 ulp.
     *
     * @param count is rounded up to whole vectors; the array reaches that far
     */
    public static void exp(float[] values, int at, int count, float shift) {
        for (int i = at; i < at + count; i += LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, values, i).sub(shift);
            FloatVector rounded = x.mul(LOG2_E).add(ROUNDER);
            FloatVector n = rounded.sub(ROUNDER);
            FloatVector r = n.fma(broadcast(FLOATS, -LN2_HIGH), x);
            r = n.fma(broadcast(FLOATS, -LN2_LOW), r);
            FloatVector p = broadcast(FLOATS, 1f / 5040);
            p = p.fma(r, broadcast(FLOATS, 1f / 720));
            p = p.fma(r, broadcast(FLOATS, 1f / 120));
            p = p.fma(r, broadcast(FLOATS, 1f / 24));
            p = p.fma(r, broadcast(FLOATS, 1f / 6));
            p = p.fma(r, broadcast(FLOATS, 0.5f));
            p = p.fma(r, broadcast(FLOATS, 1f));
            p = p.fma(r, broadcast(FLOATS, 1f));
            IntVector exponent = rounded.reinterpretAsInts().sub(ROUNDER_BITS).lanewise(LSHL, 23);
            FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
            result.blend(0f, x.compare(LT, SMALLEST))
                    .blend(Float.POSITIVE_INFINITY, x.compare(GT, LARGEST))
                    .blend(x, x.test(IS_NAN))
                    .intoArray(values, i);
        }
    }
}
