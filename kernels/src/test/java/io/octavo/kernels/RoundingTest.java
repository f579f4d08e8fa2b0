package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.scale.Rounding;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RoundingTest {

    /** Relative to the largest number involved: a quotient, a product and a difference, each rounded to 24 bits. */
    private static final double ROUNDINGS = 0x1p-22;

    @ParameterizedTest
    @EnumSource
    void noCodeLiesNearer(CodeFormat format) {
        RandomGenerator random = new SplittableRandom(7);
        float[] numbers = new float[4096];
        float[] scales = new float[numbers.length];
        float[] zeroPoints = new float[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            scales[i] = (float) Math.exp(random.nextGaussian());
            zeroPoints[i] = format.isInteger() ? random.nextInt(-8, 8) : 0;
            double quotient = switch (i % 4) {
                case 0 -> random.nextDouble(-1.5, 1.5) * format.highest();
                case 1 -> random.nextGaussian();
                case 2 -> random.nextGaussian() * 0x1p-7; // Where E4M3 has no normal numbers.
                default -> random.nextInt(-32, 33) / 4.0; // Numbers of codes, and those halfway between them.
            };
            numbers[i] = (float) (quotient * scales[i]);
        }
        float[] errors = new float[numbers.length];

        Rounding.of(format).round(numbers, 0, scales, zeroPoints, errors);

        for (int i = 0; i < numbers.length; i++) {
            double least = Double.POSITIVE_INFINITY;
            for (int code = format.isInteger() ? (int) format.lowest() : 0; code < (1 << format.bits()); code++) {
                double number = format.isInteger() && code > format.highest() ? Double.NaN : format.number(code);
                double error = (number - zeroPoints[i]) * scales[i] - numbers[i];
                least = Math.abs(error) < Math.abs(least) ? error : least;
            }
            double slack = ROUNDINGS * (Math.abs(numbers[i]) + Math.abs(zeroPoints[i]) * scales[i]);
            assertThat(Math.abs((double) errors[i]))
                    .as("%s of scale %s and zero point %s", numbers[i], scales[i], zeroPoints[i])
                    .isBetween(Math.abs(least) - slack, Math.abs(least) + slack);
            if (Math.abs(least) > slack && format.bits() < Byte.SIZE) {
                int code = format.code(numbers[i] / scales[i], (int) zeroPoints[i]);
                double error = (format.number(code) - zeroPoints[i]) * (double) scales[i] - numbers[i];
                assertThat((double) errors[i]).isBetween(error - slack, error + slack);
            }
        }
    }
}
