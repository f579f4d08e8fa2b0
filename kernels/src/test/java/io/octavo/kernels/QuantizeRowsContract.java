package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.QuantizeRows;
import java.lang.foreign.MemorySegment;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

abstract class QuantizeRowsContract extends BackendContract {

    QuantizeRowsContract(IntFunction<Backend> open) {
        super(open);
    }

    private record Result(Matrix codes, Matrix scales, Matrix nonFinite) {}

    @ParameterizedTest
    @CsvSource({
        "F32,F8_E4M3,F32,448",
        "F32,F8_E4M3,BF16,448",
        "BF16,F8_E4M3,BF16,448",
        "F16,F8_E4M3,F16,448",
        "BF16,F8_E4M3,F32,448",
        "F32,I8,F32,127.5",
        "BF16,I8,BF16,127.5",
        "F16,I8,F16,127",
        "BF16,I8,F32,127"
    })
    void codesEqualTheNearestRepresentableQuotient(DType type, DType codeType, DType scaleType, float divisor) {
        for (int columns : new int[] {1, 7, 15, 16, 17, 31, 32, 33, 64, 200, 257}) {
            RandomGenerator random = random(columns);
            float[] values = gaussian(random, 13 * columns, 0.05);
            values[0] = -0f;
            values[values.length - 1] = 9.5f;
            check(type, codeType, scaleType, divisor, 13, columns, values);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F8_E4M3", "I8"})
    void coversEveryBfloat16InOneRow(DType codeType) {
        // With the largest magnitude fixed, quotients run through every exponent, down to where they vanish.
        float[] values = new float[1 << 16];
        for (int bits = 0; bits < values.length; bits++) {
            float value = BFloat16.toFloat((short) bits);
            values[bits] = Math.abs(value) <= 512 ? value : 0;
        }
        check(DType.BF16, codeType, DType.BF16, 448, 1, values.length, values);
        check(DType.BF16, codeType, DType.F32, 448, 1, values.length, values);
    }

    @Test
    void quotientsHalfwayBetweenTwoCodesGoToTheEvenOne() {
        float[] values = new float[512];
        for (int i = 0; i < 252; i++) {
            float low = Float8.fromE4m3((byte) (i / 2));
            float high = Float8.fromE4m3((byte) (i / 2 + 1));
            float middle = (low + high) / 2;
            values[2 * i] = i % 2 == 0 ? middle : Math.nextUp(middle);
            values[2 * i + 1] = i % 2 == 0 ? -middle : -Math.nextDown(middle);
        }
        values[511] = 448;
        check(DType.F32, DType.F8_E4M3, DType.F32, 448, 1, 512, values);
        float[] halves = new float[512];
        for (int i = 0; i < 512; i++) {
            halves[i] = (i - 255) / 2f;
        }
        check(DType.F32, DType.I8, DType.F32, 128, 1, 512, halves);
    }

    @Test
    void zeroRowsGetEpsilonAndKeepTheirSigns() {
        Result result = quantize(DType.BF16, DType.F8_E4M3, DType.BF16, 448, 2, 20, signedZeros(40));
        assertThat(floats(result.scales())).containsExactly(0x1p-7f, 0x1p-7f);
        assertThat(bytes(result.codes())).containsOnly((byte) 0, (byte) 0x80);
        assertThat(bytes(result.codes())[1]).isEqualTo((byte) 0x80);
        assertThat(floats(quantize(DType.F16, DType.I8, DType.F16, 127, 1, 20, signedZeros(20))
                        .scales()))
                .containsExactly(0x1p-10f);
        assertThat(floats(quantize(DType.F32, DType.I8, DType.F32, 127, 1, 20, signedZeros(20))
                        .scales()))
                .containsExactly(0x1p-23f);
    }

    @Test
    void scalesThatRoundToZeroBecomeEpsilonAndTheRowIsConvertedWithIt() {
        float[] tiny = new float[18];
        tiny[4] = 1e-5f;
        tiny[17] = -1.3e-5f;
        check(DType.F32, DType.F8_E4M3, DType.F16, 448, 1, 18, tiny);
        float[] subnormal = new float[18];
        subnormal[2] = Float.MIN_VALUE;
        check(DType.F32, DType.F8_E4M3, DType.F32, 448, 1, 18, subnormal);
    }

    @ParameterizedTest
    @CsvSource({"F32,NaN", "F32,Infinity", "BF16,-Infinity", "F16,NaN", "BF16,NaN", "F16,Infinity"})
    void raisesTheFlagForNonFiniteInputWhereverItIs(DType type, float bad) {
        for (int at : new int[] {0, 15, 16, 31, 32, 36}) {
            float[] values = gaussian(random(at), 5 * 37, 1);
            values[2 * 37 + at] = bad;
            assertThat(readInts(quantize(type, DType.F8_E4M3, DType.BF16, 448, 5, 37, values)
                            .nonFinite()))
                    .as("element %d", at)
                    .containsExactly(1);
        }
    }

    @Test
    void raisesTheFlagWhenAScaleOverflowsItsType() {
        float[] values = {1e30f, 2, 3};
        assertThat(readInts(quantize(DType.F32, DType.F8_E4M3, DType.F16, 448, 1, 3, values)
                        .nonFinite()))
                .containsExactly(1);
        assertThat(readInts(quantize(DType.F32, DType.F8_E4M3, DType.BF16, 448, 1, 3, values)
                        .nonFinite()))
                .containsExactly(0);
    }

    @Test
    void bitsDoNotDependOnTheNumberOfThreads() {
        Matrix x = input(DType.BF16, 700, 129, gaussian(random(3), 700 * 129, 1));
        Matrix codes = output(DType.F8_E4M3, 700, 129);
        Matrix scales = output(DType.BF16, 700, 1);
        Matrix flag = ints(0);
        backend.operations().quantizeRows().quantize(x, codes, scales, 448, flag, stream);
        for (int threads : new int[] {1, 3}) {
            Matrix codesAgain = output(DType.F8_E4M3, 700, 129);
            Matrix scalesAgain = output(DType.BF16, 700, 1);
            withThreads(
                    threads,
                    () -> backend.operations().quantizeRows().quantize(x, codesAgain, scalesAgain, 448, flag, stream));
            assertThat(bytes(codesAgain)).isEqualTo(bytes(codes));
            assertThat(bytes(scalesAgain)).isEqualTo(bytes(scales));
        }
    }

    @Test
    void rejectsWhatDoesNotFit() {
        Matrix x = input(DType.F32, 2, 3, new float[6]);
        Matrix codes = output(DType.I8, 2, 3);
        Matrix scales = output(DType.F32, 2, 1);
        Matrix flag = ints(0);
        QuantizeRows quantizeRows = backend.operations().quantizeRows();
        assertThatThrownBy(() -> quantizeRows.quantize(x, codes, scales.reshape(1, 2), 127, flag, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("scales is 1 x 2, expected 2 x 1");
        assertThatThrownBy(() -> quantizeRows.quantize(x, x, scales, 127, flag, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("codes is F32");
        assertThatThrownBy(() -> quantizeRows.quantize(x, codes, scales, Float.NaN, flag, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("divisor");
    }

    private Result quantize(
            DType type, DType codeType, DType scaleType, float divisor, int rows, int columns, float[] values) {
        Matrix x = input(type, rows, columns, values);
        Matrix codes = output(codeType, rows, columns);
        Matrix scales = output(scaleType, rows, 1);
        Matrix nonFinite = output(DType.I32, 1, 1);
        nonFinite.buffer().copyFrom(MemorySegment.ofArray(new int[1]), 0, stream);
        backend.operations().quantizeRows().quantize(x, codes, scales, divisor, nonFinite, stream);
        return new Result(codes, scales, nonFinite);
    }

    private void check(
            DType type, DType codeType, DType scaleType, float divisor, int rows, int columns, float[] values) {
        Result result = quantize(type, codeType, scaleType, divisor, rows, columns, values);
        float[] x = floats(input(type, rows, columns, values));
        float[] scales = floats(result.scales());
        byte[] codes = bytes(result.codes());
        for (int row = 0; row < rows; row++) {
            float absmax = 0;
            for (int c = 0; c < columns; c++) {
                absmax = Math.max(absmax, Math.abs(x[row * columns + c]));
            }
            float scale = stored(scaleType, absmax / divisor);
            assertThat(scales[row]).isEqualTo(scale);
            for (int c = 0; c < columns; c++) {
                float quotient = x[row * columns + c] / scale;
                byte expected = codeType == DType.I8 ? nearestInteger(quotient) : nearestE4m3(quotient);
                assertThat(codes[row * columns + c]).as("code of %s", quotient).isEqualTo(expected);
            }
        }
        assertThat(readInts(result.nonFinite())).containsExactly(0);
    }

    private static float stored(DType scaleType, float scale) {
        return switch (scaleType) {
            case F16 -> nonZero(Float.float16ToFloat(Float.floatToFloat16(scale)), 0x1p-10f);
            case BF16 -> nonZero(BFloat16.toFloat(BFloat16.fromFloat(scale)), 0x1p-7f);
            default -> nonZero(scale, 0x1p-23f);
        };
    }

    private static float nonZero(float scale, float epsilon) {
        return scale == 0 ? epsilon : scale;
    }

    private static byte nearestInteger(float quotient) {
        return (byte) Math.max(-128, Math.min(127, Math.rint(quotient)));
    }

    /** By trying all codes: the nearest value, of two at the same distance the one with an even code. */
    private static byte nearestE4m3(float quotient) {
        double magnitude = Math.min(Math.abs((double) quotient), 448);
        int best = 0;
        for (int code = 1; code <= 0x7E; code++) {
            double distance = Math.abs(Float8.fromE4m3((byte) code) - magnitude);
            double bestDistance = Math.abs(Float8.fromE4m3((byte) best) - magnitude);
            if (distance < bestDistance || (distance == bestDistance && code % 2 == 0)) {
                best = code;
            }
        }
        boolean negative = Float.floatToRawIntBits(quotient) < 0;
        return (byte) (negative ? best | 0x80 : best);
    }

    private static float[] signedZeros(int count) {
        float[] zeros = new float[count];
        for (int i = 1; i < count; i += 2) {
            zeros[i] = -0f;
        }
        return zeros;
    }
}
