package io.octavo.kernels.internal.vector.quantization;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.internal.vector.base.Native;
import org.junit.jupiter.api.Test;

class RowEncoderTest {

    /** As many as a 16-bit float has. */
    private static final int SIGNIFICANDS = 1 << 10;

    @Test
    void correctedProductsEqualQuotientsForAllPairsOfHalfPrecisionSignificands() {
        float[] values = new float[2 * SIGNIFICANDS];
        for (int divisor = 0; divisor < SIGNIFICANDS; divisor++) {
            float scale = significand(divisor);
            for (int dividend = 0; dividend < SIGNIFICANDS; dividend++) {
                values[2 * dividend] = significand(dividend);
                values[2 * dividend + 1] = -significand(dividend);
            }
            RowEncoder.divideHalves(values, 0, values.length, scale);
            for (int dividend = 0; dividend < SIGNIFICANDS; dividend++) {
                float quotient = significand(dividend) / scale;
                if (values[2 * dividend] != quotient || values[2 * dividend + 1] != -quotient) {
                    assertThat(values[2 * dividend])
                            .as("%s / %s", dividend, divisor)
                            .isEqualTo(quotient);
                    assertThat(values[2 * dividend + 1]).isEqualTo(-quotient);
                }
            }
        }
    }

    @Test
    void correctedProductsKeepTheSignOfZero() {
        float[] zeros = new float[2 * Native.LANES];
        for (int i = 1; i < zeros.length; i += 2) {
            zeros[i] = -0f;
        }
        float[] quotients = zeros.clone();
        RowEncoder.divideHalves(quotients, 0, quotients.length, 0.3f);
        assertThat(quotients).containsExactly(zeros);
    }

    private static float significand(int bits) {
        return 1 + bits / (float) SIGNIFICANDS;
    }
}
