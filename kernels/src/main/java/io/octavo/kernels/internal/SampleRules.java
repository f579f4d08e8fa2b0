package io.octavo.kernels.internal;

import io.octavo.kernels.operation.Sampling;

/** The arithmetic of {@link Sampling}, of single numbers; sample.cu has the same, operation by operation. */
public final class SampleRules {

    /** The weight of the most likely token. */
    public static final long ONE = 1L << 40;

    private static final float LOG2_E = 1.442695f;

    /** 2^f for f from -1/2 to 1/2: the Taylor series of e^(f ln 2), whose next term is below 2^-23. */
    private static final float[] SERIES = {
        1.540353e-4f, 1.3333558e-3f, 0.009618129f, 0.05550411f, 0.2402265f, 0.6931472f, 1f
    };

    private SampleRules() {}

    /** What is ordered and weighed; without division where the temperature is 0, since that only orders. */
    public static float changed(float logit, boolean seen, Sampling.Request request) {
        float z = logit;
        if (seen) {
            z = z > 0 ? z / request.repetitionPenalty() : z * request.repetitionPenalty();
        }
        // -0 becomes 0.
        return (request.temperature() == 0 ? z : z / request.temperature()) + 0f;
    }

    /** {@code e^(z - max)} in units of 2^-40, rounded down. */
    public static long weight(float z, float max) {
        if (z == max) {
            return ONE;
        }
        float exponent = (z - max) * LOG2_E;
        if (!(exponent > -41)) {
            return 0;
        }
        float whole = (float) Math.rint(exponent);
        float rest = exponent - whole;
        float power = SERIES[0];
        for (int i = 1; i < SERIES.length; i++) {
            power = Math.fma(power, rest, SERIES[i]);
        }
        return (long) (power * Float.intBitsToFloat(((int) whole + 40 + 127) << 23));
    }

    /** The weight that a first part of the order must reach, of what {@code total} is. */
    public static long wanted(float topP, long total) {
        return topP >= 1 ? total : Math.clamp((long) Math.ceil((double) topP * total), 1, Math.max(total, 1));
    }

    /** The smallest weight that stays. */
    public static long smallest(float minP) {
        return (long) Math.ceil((double) minP * ONE);
    }

    /** From 0 to {@code total} - 1. */
    public static long draw(Sampling.Request request, long total) {
        int[] counter = {request.step(), (int) request.sequence(), (int) (request.sequence() >>> Integer.SIZE), 0};
        int[] words = Philox.words(counter, (int) request.seed(), (int) (request.seed() >>> Integer.SIZE));
        long random = (long) words[1] << Integer.SIZE | Integer.toUnsignedLong(words[0]);
        return Math.unsignedMultiplyHigh(random, total);
    }
}
