package io.octavo.kernels.scale;

import io.octavo.kernels.number.CodeFormat;

/**
 * Rounds many numbers to the nearest that codes stand for, and tells how far they move. Loops are such that the compiler makes
 * vector instructions of them: no branches, no tables.
 *
 * <p>Adding and subtracting {@code 1.5 * 2^23 * step} rounds a number of moderate size to a whole multiple of the step, ties to
 * even. Where a number lies halfway between two codes, the error is the same for both.
 */
public sealed interface Rounding {

    /**
     * Rounds a run of numbers, each under a scale of its own.
     *
     * @param from of the first in {@code numbers}; there are as many as {@code errors} has room for
     * @param errors receives the rounded number less the number
     */
    void round(float[] numbers, int from, float[] scales, float[] zeroPoints, float[] errors);

    static Rounding of(CodeFormat format) {
        return switch (format) {
            case INT8, INT8_OFFSET, INT4_OFFSET -> new Integers(format.lowest(), format.highest());
            case E2M1 -> new FourBits();
            case E4M3 -> new EightBits();
        };
    }

    /** Whole numbers of a range, less a zero point. */
    record Integers(float lowest, float highest) implements Rounding {

        private static final float WHOLE = 0x1.8p23f;

        @Override
        public void round(float[] numbers, int from, float[] scales, float[] zeroPoints, float[] errors) {
            for (int i = 0; i < errors.length; i++) {
                float number = numbers[from + i];
                float code = Math.min(Math.max(number / scales[i] + zeroPoints[i], lowest), highest);
                float nearest = (code + WHOLE) - WHOLE;
                errors[i] = (nearest - zeroPoints[i]) * scales[i] - number;
            }
        }
    }

    /** E2M1: steps of 0.5 up to 2, of 1 up to 4, of 2 up to 6. */
    record FourBits() implements Rounding {

        private static final float HALVES = 0x1.8p22f;
        private static final float WHOLE = 0x1.8p23f;
        private static final float TWOS = 0x1.8p24f;

        @Override
        public void round(float[] numbers, int from, float[] scales, float[] zeroPoints, float[] errors) {
            for (int i = 0; i < errors.length; i++) {
                float number = numbers[from + i];
                float exact = number / scales[i];
                float inner = Math.min(Math.max(exact, -2), 2);
                float rest = exact - inner;
                float middle = Math.min(Math.max(rest, -2), 2);
                float outer = Math.min(Math.max(rest - middle, -2), 2);
                float nearest = ((inner + HALVES) - HALVES) + ((middle + WHOLE) - WHOLE) + ((outer + TWOS) - TWOS);
                errors[i] = nearest * scales[i] - number;
            }
        }
    }

    /** E4M3: four significant bits from 2^-6 up, steps of 2^-9 below. */
    record EightBits() implements Rounding {

        private static final float SMALLEST_NORMAL = 0x1p-6f;
        private static final float SUBNORMALS = 0x1.8p14f;
        private static final float LARGEST = 448;

        /** Splits a number of 24 significant bits into its first four and the rest (Dekker 1971, Veltkamp). */
        private static final float SPLIT = 0x1p20f + 1;

        @Override
        public void round(float[] numbers, int from, float[] scales, float[] zeroPoints, float[] errors) {
            for (int i = 0; i < errors.length; i++) {
                float magnitude = Math.abs(numbers[from + i]);
                float exact = Math.min(magnitude / scales[i], LARGEST);
                float normal = Math.max(exact, SMALLEST_NORMAL);
                float split = normal * SPLIT;
                float upper = split - (split - normal);
                float lower = (Math.min(exact, SMALLEST_NORMAL) + SUBNORMALS) - SUBNORMALS;
                float sign = Math.signum(numbers[from + i]);
                errors[i] = sign * (((upper - SMALLEST_NORMAL) + lower) * scales[i] - magnitude);
            }
        }
    }
}
