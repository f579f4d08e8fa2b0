package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizationError;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Against numbers worked out by hand. */
class RoundingBoundsTest {

    private static final double NEAR = 1e-3;

    @Test
    void aCodeStandsForNumbersUpToHalfwayToTheNext() {
        RoundingBounds e4m3 = bounds("FP8_DYNAMIC", DType.BF16);
        // 1.0 lies between 0.9375 and 1.125, and 448 is the largest.
        assertCell(e4m3, 0x38, 1, 0.03125, 0.0625);
        assertCell(e4m3, 0x7E, 448, 16, Double.POSITIVE_INFINITY);
        assertCell(e4m3, 0x80, 0, 0x1p-10, 0x1p-10);
        assertCell(e4m3, 0x7F, Double.NaN, Double.NaN, Double.NaN);
        RoundingBounds int4 = bounds("W4A16", DType.BF16);
        assertCell(int4, 0xF8, -8, Double.POSITIVE_INFINITY, 0.5);
        assertCell(int4, 0x03, 3, 0.5, 0.5);
        assertCell(int4, 0x08, Double.NaN, Double.NaN, Double.NaN);
        RoundingBounds e2m1 = bounds("MXFP4", DType.U8);
        assertCell(e2m1, 0x6, 4, 0.5, 1);
        assertCell(e2m1, 0xF, -6, Double.POSITIVE_INFINITY, 1);
        assertCell(e2m1, 0x10, Double.NaN, Double.NaN, Double.NaN);
    }

    private static void assertCell(RoundingBounds bounds, int code, double number, double below, double above) {
        float[] book = bounds.codebook();
        double[] actual = {
            book[code] + 0.0f, book[QuantizationError.CODES + code], book[2 * QuantizationError.CODES + code]
        };
        double[] expected = {number, below, above};
        for (int i = 0; i < 3; i++) {
            if (Double.isFinite(expected[i])) {
                assertThat(actual[i]).isBetween(expected[i], expected[i] + NEAR * Math.abs(expected[i]));
            } else {
                assertThat(Double.valueOf(actual[i])).isEqualTo(Double.valueOf(expected[i]));
            }
        }
    }

    @Test
    void aScaleIsTheNearestOfItsType() {
        RoundingBounds rows = bounds("FP8_DYNAMIC", DType.BF16);
        // 448 / 448 = 1; the next numbers of BF16 are 1 - 2^-8 and 1 + 2^-7.
        assertThat(rows.scaleFits(1, 1, 0, 448, 0)).isTrue();
        assertThat(rows.scaleFits(1, 1, 448 * (1 + 0x1.fp-9f), 3, 0)).isTrue();
        assertThat(rows.scaleFits(1, 1, 448 * (1 + 0x1.1p-8f), 3, 0)).isFalse();
        assertThat(rows.scaleFits(1, 1, 0, 448 * (1 - 0x1.fp-10f), 0)).isTrue();
        assertThat(rows.scaleFits(1, 1, 0, 448 * (1 - 0x1.1p-9f), 0)).isFalse();
        assertThat(rows.scaleFits(0x1p-7f, 1, 0, 0, 0)).isTrue();
        assertThat(rows.scaleFits(0x1p-6f, 1, 0, 0, 0)).isFalse();
    }

    /** The file holds what divides; its reciprocal, once rounded, is what readers multiply by. */
    @Test
    void aDivisorIsTheNearestForAnyLargestNumber() {
        var nvfp4 = new RoundingBounds(Scheme.named("NVFP4A16").weights(), DType.F8_E4M3, DType.F32);
        var random = new SplittableRandom(7);
        for (int i = 0; i < 10_000; i++) {
            float absmax = (float) random.nextDouble(1e-4, 10);
            float divisor = 2688 / absmax;
            assertThat(nvfp4.wholeFits(1 / divisor, absmax))
                    .as("absmax %s", absmax)
                    .isTrue();
            assertThat(nvfp4.wholeFits(1 / (divisor * (1 + 0x1p-21f)), absmax)).isFalse();
            assertThat(nvfp4.wholeFits(1 / (divisor * (1 - 0x1p-21f)), absmax)).isFalse();
        }
    }

    @Test
    void smallScalesOfF16HaveFewBits() {
        RoundingBounds rows = bounds("FP8_DYNAMIC", DType.F16);
        assertThat(rows.scaleFits(0x1p-24f, 1, 0, 448 * 0x1.7p-24f, 0)).isTrue();
        assertThat(rows.scaleFits(0x1p-24f, 1, 0, 448 * 0x1.9p-24f, 0)).isFalse();
        assertThat(rows.scaleFits(0x1p-10f, 1, 0, 448 * 0x1p-26f, 0)).isTrue();
    }

    /** Worked out by hand: F32 ends with 2^-149, BF16 with 2^-133, F16 with 2^-24, E8M0 with 2^-127. */
    @Test
    void aScaleIsLostWhereItsTypeKeepsTooFewBits() {
        RoundingBounds f32 = bounds("FP8_DYNAMIC", DType.F32);
        assertThat(f32.lostScale(0, 560 * Float.MIN_VALUE, 0)).isEqualTo(0x1.4p-149);
        assertThat(f32.lostScale(448 * Float.MIN_VALUE, 0, 0)).isZero();
        assertThat(f32.lostScale(0, 560 * Float.MIN_VALUE, 1)).isZero();
        assertThat(f32.lostScale(0, 0, 0)).isZero();
        assertThat(bounds("FP8_DYNAMIC", DType.BF16).lostScale(0, 448 * 0x1.02p-128f, 0))
                .isEqualTo(0x1.02p-128);
        assertThat(bounds("FP8_DYNAMIC", DType.BF16).lostScale(0, 448 * 0x1.02p-126f, 0))
                .isZero();
        assertThat(bounds("FP8_DYNAMIC", DType.F16).lostScale(0, 448 * 0x1.8p-24f, 0))
                .isEqualTo(0x1.8p-24);
        assertThat(bounds("FP8_DYNAMIC", DType.F16).lostScale(0, 448 * 0x1.6p-17f, 0))
                .isZero();
        assertThat(bounds("MXFP4", DType.U8).lostScale(0, 4 * 0x1.7p-128f, 0)).isEqualTo(0x1.7p-128);
        assertThat(bounds("MXFP4", DType.U8).lostScale(0, 4 * 0x1.cp-128f, 0)).isZero();
        assertThat(SolvedBounds.of(f32, false).lostScale(0, 560 * Float.MIN_VALUE, 0))
                .isEqualTo(0x1.4p-149);
    }

    @Test
    void aPowerOfTwoHoldsTheLargestNumberBelowItsCarry() {
        RoundingBounds mx = bounds("MXFP4", DType.U8);
        assertThat(mx.scaleFits(1, 1, 0, 4, 0)).isTrue();
        assertThat(mx.scaleFits(1, 1, 6.99f, 0, 0)).isTrue();
        assertThat(mx.scaleFits(1, 1, 0, 7, 0)).isFalse();
        assertThat(mx.scaleFits(1, 1, 0, 3.5f, 0)).isTrue();
        assertThat(mx.scaleFits(1, 1, 0, 3.49f, 0)).isFalse();
        assertThat(mx.scaleFits(0x1p-127f, 1, 0, 0, 0)).isTrue();
        assertThat(mx.scaleFits(0x1p-126f, 1, 0, 0, 0)).isFalse();
    }

    @Test
    void aZeroPointIsWhereZeroLies() {
        RoundingBounds groups = bounds("W4A16_ASYM", DType.BF16);
        assertThat(groups.scaleFits(0.5f, 1, 2.5f, 5, 0)).isTrue();
        assertThat(groups.zeroPointFits(-3, 0.5f, 2.5f)).isTrue();
        assertThat(groups.zeroPointFits(-4, 0.5f, 2.5f)).isFalse();
        assertThat(groups.zeroPointFits(7, 0.5f, 9)).isTrue();
    }

    @Test
    void aScaleOfAWholeTensorIsThatOfItsLargestMagnitude() {
        assertThat(bounds("FP8", DType.BF16).wholeFits(0.5f, 224)).isTrue();
        assertThat(bounds("FP8", DType.BF16).wholeFits(0.50390625f, 224)).isFalse();
        assertThat(bounds("NVFP4", DType.F8_E4M3).wholeFits(1 / 672f, 4)).isTrue();
        assertThat(bounds("NVFP4", DType.F8_E4M3).wholeFits(1 / 676f, 4)).isFalse();
    }

    @Test
    void solvedScalesLieBetweenWhatTheirNumbersAndTheirRowsLeadTo() {
        SolvedBounds groups = SolvedBounds.of(bounds("W4A16", DType.BF16), false);
        // 7.5 leads to 1 here, 75 to 10 in the row.
        assertThat(groups.scaleFits(160, 1, 0, 7.5f, 75)).isTrue();
        assertThat(groups.scaleFits(161, 1, 0, 7.5f, 75)).isFalse();
        assertThat(groups.scaleFits(0.0625f, 1, 7.5f, 0, 75)).isTrue();
        assertThat(groups.scaleFits(0.0624f, 1, 7.5f, 0, 75)).isFalse();
        assertThat(groups.scaleFits(0x1p-7f, 1, 0, 0, 0)).isTrue();
        assertThat(groups.scaleFits(0x1p-6f, 1, 0, 0, 0)).isFalse();
        assertThat(groups.scaleFits(Float.NaN, 1, 0, 7.5f, 75)).isFalse();
    }

    @Test
    void aSolvedRowLosesHalfOfItsNormBesideItsRounding() {
        SolvedBounds groups = SolvedBounds.of(bounds("W4A16", DType.BF16), false);
        assertThat(groups.rowFits(5.99, 10, 2)).isTrue();
        assertThat(groups.rowFits(6.01, 10, 2)).isFalse();
        assertThat(groups.rowFits(Double.NaN, 10, 2)).isFalse();
        assertThat(SolvedBounds.of(bounds("MXFP8", DType.U8), false).rowFits(16.1, 0, 1))
                .isFalse();
        assertThat(groups.codebook()[QuantizationError.CODES + 3]).isInfinite();
        assertThat(groups.codebook()[QuantizationError.CODES + 8]).isNaN();
        assertThat(SolvedBounds.of(bounds("W4A16", DType.BF16), true).codebook())
                .isEqualTo(bounds("W4A16", DType.BF16).codebook());
        assertThat(SolvedBounds.of(bounds("FP8", DType.BF16), false).wholeFits(8, 224))
                .isTrue();
        assertThat(SolvedBounds.of(bounds("FP8", DType.BF16), false).wholeFits(8.1f, 224))
                .isFalse();
    }

    private static RoundingBounds bounds(String scheme, DType scaleType) {
        return new RoundingBounds(Scheme.named(scheme).weights(), scaleType, DType.BF16);
    }
}
