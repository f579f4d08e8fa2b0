package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

abstract class QuantizeTilesContract extends BackendContract {

    private static final Scaling NVFP4 = new Scaling.Relative(6, 300.5f);
    private static final Scaling MXFP4 = new Scaling.PowerOfTwo(2);

    QuantizeTilesContract(IntFunction<Backend> open) {
        super(open);
    }

    /** @param zeroPoints of no elements where there are none */
    private record Result(Matrix codes, Matrix scales, Matrix zeroPoints, Matrix nonFinite) {}

    @ParameterizedTest
    @CsvSource({
        "BF16,E4M3,448,BF16",
        "F32,E4M3,448,F32",
        "F16,INT8,127.5,F16",
        "BF16,INT8_OFFSET,127.5,BF16",
        "BF16,INT4_OFFSET,7.5,BF16",
        "F32,INT4_OFFSET,7.5,F16",
        "F16,E2M1,6,F32"
    })
    void codesEqualTheNearestRepresentableQuotient(DType type, CodeFormat format, float divisor, DType scaleType) {
        Scaling scaling = new Scaling.Absmax(divisor);
        for (int group : new int[] {2, 16, 32, 34, 64, 128}) {
            check(type, format, 1, group, scaling, scaleType, 5, 3 * group, group);
        }
        for (int columns : new int[] {2, 14, 16, 18, 34, 200, 258}) {
            check(type, format, 1, columns, scaling, scaleType, 7, columns, columns);
        }
    }

    @ParameterizedTest
    @CsvSource({"BF16,BF16", "F32,F32", "F16,F16"})
    void zeroPointsMoveTheRangeToWhereTheNumbersAre(DType type, DType scaleType) {
        for (CodeFormat format : List.of(CodeFormat.INT4_OFFSET, CodeFormat.INT8, CodeFormat.INT8_OFFSET)) {
            for (int group : new int[] {16, 32, 50}) {
                check(type, format, 1, group, new Scaling.Range(), scaleType, 9, 2 * group, group);
            }
        }
    }

    @Test
    void groupsRelativeToTheWholeTensorKeepE4m3Scales() {
        check(DType.BF16, CodeFormat.E2M1, 1, 16, NVFP4, DType.F8_E4M3, 33, 160, 5);
        check(DType.F32, CodeFormat.E2M1, 1, 16, NVFP4, DType.F8_E4M3, 3, 32, 6);
        check(DType.F16, CodeFormat.E2M1, 1, 16, NVFP4, DType.F8_E4M3, 5, 1040, 7);
        check(DType.BF16, CodeFormat.E2M1, 1, 32, NVFP4, DType.F8_E4M3, 4, 96, 8);
        // Scales at the ends of what divides fast, and beyond.
        for (float factor : new float[] {0x1p-90f, 0x1p-78f, 0x1p70f, 0x1p90f}) {
            Scaling scaling = new Scaling.Relative(6, factor);
            check(DType.BF16, CodeFormat.E2M1, 1, 16, scaling, DType.F8_E4M3, 9, 64, 9);
        }
    }

    /** Codes of all sizes, under scales whose inverses are no floats any more, too. */
    @ParameterizedTest
    @ValueSource(floats = {0x1p-118f, 0x1p-90f, 0x1p-70f, 0x1p70f, 0x1p90f, 0x1p127f})
    void numbersAsLargeAsScalesOfAnySizeKeepTheirCodes(float factor) {
        float[] values = gaussian(random(10), 9 * 64, 1);
        for (int i = 0; i < values.length; i++) {
            values[i] /= factor;
        }
        Scaling scaling = new Scaling.Relative(6, factor);
        for (DType type : List.of(DType.F32, DType.BF16)) {
            check(type, CodeFormat.E2M1, 1, 16, scaling, DType.F8_E4M3, 9, 64, values);
        }
    }

    @Test
    void powersOfTwoKeepTheirExponents() {
        check(DType.BF16, CodeFormat.E2M1, 1, 32, MXFP4, DType.U8, 21, 96, 7);
        check(DType.BF16, CodeFormat.E4M3, 1, 32, new Scaling.PowerOfTwo(8), DType.U8, 21, 96, 8);
        float[] largest = {1, 1.75f, 6, 7, 448, 0, 1e-38f};
        int[] e2m1 = {125, 126, 127, 128, 134, 0, 0};
        int[] e4m3 = {119, 120, 121, 122, 128, 0, 0};
        for (int i = 0; i < largest.length; i++) {
            float[] values = new float[32];
            values[17] = -largest[i];
            Matrix x = input(DType.F32, 1, 32, values);
            assertThat(bytes(run(x, CodeFormat.E2M1, 1, 32, MXFP4, DType.U8).scales()))
                    .containsExactly(e2m1[i]);
            assertThat(bytes(run(x, CodeFormat.E4M3, 1, 32, new Scaling.PowerOfTwo(8), DType.U8)
                            .scales()))
                    .containsExactly(e4m3[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 128})
    void blocksShareAScaleAcrossRows(int height) {
        for (int rows : new int[] {1, height, height + 1, 2 * height + 3}) {
            for (int columns : new int[] {20, 128, 300}) {
                check(
                        DType.BF16,
                        CodeFormat.E4M3,
                        height,
                        128,
                        new Scaling.Absmax(448),
                        DType.BF16,
                        rows,
                        columns,
                        rows);
            }
        }
    }

    @Test
    void aGivenScaleServesTheWholeMatrixAndQuotientsPastItAreCut() {
        for (CodeFormat format : List.of(CodeFormat.E4M3, CodeFormat.INT8, CodeFormat.INT4_OFFSET)) {
            float[] values = gaussian(random(4), 12 * 40, 30);
            values[3] = 3e38f;
            values[39] = -3e38f;
            Matrix x = input(DType.F32, 12, 40, values);
            Matrix scales = input(DType.BF16, 1, 1, 0.25f);
            Matrix codes = output(DType.U8, 12, format.rowBytes(40));
            Matrix flag = ints(0);
            backend.operations()
                    .quantizeTiles()
                    .quantize(
                            new QuantizeTiles.Arguments(
                                    x,
                                    format,
                                    new QuantizeTiles.Tile(12, 40),
                                    new Scaling.Given(),
                                    codes,
                                    scales,
                                    null,
                                    flag),
                            stream);
            byte[] stored = bytes(codes);
            var scale = new TileOracle.Scale(0.25f, 0.25f, 0);
            for (int i = 0; i < values.length; i++) {
                assertThat(TileOracle.stored(stored, (int) format.rowBytes(40), i / 40, i % 40, format))
                        .isEqualTo(TileOracle.code(values[i], scale, format));
            }
            assertThat(readInts(flag)).containsExactly(0);
        }
    }

    @Test
    void integersLieInLittleEndianWordsLowestFirst() {
        assertThat(words(CodeFormat.INT4_OFFSET, -8, -7, -6, -5, -4, -3, -2, -1))
                .containsExactly(0x76543210);
        assertThat(words(CodeFormat.INT4_OFFSET, -8, -7, -1, 0, 1, 2, 6, 7)).containsExactly(0xFEA98710);
        assertThat(words(CodeFormat.INT8_OFFSET, -128, -1, 0, 127)).containsExactly(0xFF807F00);
        assertThat(words(CodeFormat.E2M1, 0.5f, -6, 3, -0f, 0, 0, 0, 0)).containsExactly(0x85F1);
    }

    private int[] words(CodeFormat format, float... values) {
        Matrix x = input(DType.F32, 1, values.length, values);
        Matrix codes = output(DType.U8, 1, format.rowBytes(values.length));
        backend.operations()
                .quantizeTiles()
                .quantize(
                        new QuantizeTiles.Arguments(
                                x,
                                format,
                                new QuantizeTiles.Tile(1, values.length),
                                new Scaling.Given(),
                                codes,
                                input(DType.F32, 1, 1, 1),
                                null,
                                ints(0)),
                        stream);
        int[] words = new int[1];
        ByteBuffer.wrap(bytes(codes))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(words);
        return words;
    }

    @Test
    void quotientsHalfwayBetweenTwoCodesGoToTheEvenOne() {
        float[] halves = new float[64];
        for (int i = 0; i < halves.length; i++) {
            halves[i] = (i - 32) / 4f;
        }
        for (CodeFormat format : List.of(CodeFormat.E2M1, CodeFormat.INT4_OFFSET)) {
            check(DType.F32, format, 1, 64, new Scaling.Absmax(8), DType.F32, 1, 64, halves);
        }
    }

    @Test
    void tilesOfZerosGetEpsilonAndCodesOfZero() {
        Matrix zeros = input(DType.BF16, 1, 32, new float[32]);
        assertThat(floats(run(zeros, CodeFormat.INT4_OFFSET, 1, 16, new Scaling.Absmax(7.5f), DType.BF16)
                        .scales()))
                .containsExactly(0x1p-7f, 0x1p-7f);
        assertThat(bytes(run(zeros, CodeFormat.INT4_OFFSET, 1, 32, new Scaling.Absmax(7.5f), DType.BF16)
                        .codes()))
                .containsOnly((byte) 0x88);
        assertThat(floats(
                        run(zeros, CodeFormat.E2M1, 1, 16, NVFP4, DType.F8_E4M3).scales()))
                .containsExactly(0.125f, 0.125f);
        Result asymmetric = run(zeros, CodeFormat.INT4_OFFSET, 1, 32, new Scaling.Range(), DType.BF16);
        assertThat(bytes(asymmetric.codes())).containsOnly((byte) 0);
        assertThat(bytes(asymmetric.zeroPoints())).containsOnly((byte) -8);
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void raisesTheFlagForNonFiniteInputWhereverItIs(float bad) {
        List<Scaling> scalings = List.of(new Scaling.Absmax(6), NVFP4, MXFP4);
        List<DType> types = List.of(DType.F32, DType.F8_E4M3, DType.U8);
        for (int at : new int[] {0, 15, 16, 47, 79}) {
            float[] values = gaussian(random(at), 160, 1);
            values[at] = bad;
            Matrix x = input(DType.F32, 2, 80, values);
            for (int i = 0; i < scalings.size(); i++) {
                Result result = run(x, CodeFormat.E2M1, 1, 16, scalings.get(i), types.get(i));
                assertThat(readInts(result.nonFinite())).containsExactly(1);
            }
            assertThat(readInts(run(x, CodeFormat.INT8, 1, 40, new Scaling.Range(), DType.F32)
                            .nonFinite()))
                    .containsExactly(1);
            assertThat(readInts(run(x, CodeFormat.E4M3, 2, 40, new Scaling.Absmax(448), DType.F32)
                            .nonFinite()))
                    .containsExactly(1);
        }
    }

    @Test
    void raisesTheFlagWhenAScaleOverflowsItsType() {
        Matrix x = input(DType.F32, 1, 4, 1e30f, 2, 3, 4);
        assertThat(readInts(run(x, CodeFormat.INT4_OFFSET, 1, 4, new Scaling.Absmax(7.5f), DType.F16)
                        .nonFinite()))
                .containsExactly(1);
    }

    @Test
    void bitsDoNotDependOnTheNumberOfThreads() {
        Matrix x = input(DType.BF16, 300, 192, gaussian(random(3), 300 * 192, 1));
        Result expected = run(x, CodeFormat.INT4_OFFSET, 1, 64, new Scaling.Range(), DType.BF16);
        Result blocks = run(x, CodeFormat.E4M3, 128, 128, new Scaling.Absmax(448), DType.F32);
        for (int threads : new int[] {1, 3}) {
            withThreads(threads, () -> {
                Result again = run(x, CodeFormat.INT4_OFFSET, 1, 64, new Scaling.Range(), DType.BF16);
                assertThat(bytes(again.codes())).isEqualTo(bytes(expected.codes()));
                assertThat(bytes(again.scales())).isEqualTo(bytes(expected.scales()));
                assertThat(bytes(again.zeroPoints())).isEqualTo(bytes(expected.zeroPoints()));
                Result blocksAgain = run(x, CodeFormat.E4M3, 128, 128, new Scaling.Absmax(448), DType.F32);
                assertThat(bytes(blocksAgain.codes())).isEqualTo(bytes(blocks.codes()));
            });
        }
    }

    @Test
    void rejectsWhatDoesNotFit() {
        Matrix x = input(DType.F32, 2, 6, new float[12]);
        assertThatThrownBy(() -> run(x, CodeFormat.E4M3, 1, 6, new Scaling.Range(), DType.F32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("zero point");
        assertThatThrownBy(() -> run(x, CodeFormat.E2M1, 1, 3, new Scaling.Absmax(6), DType.F32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("even");
        assertThatThrownBy(() -> run(x, CodeFormat.E2M1, 1, 6, NVFP4, DType.BF16))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("scales is BF16");
        assertThatThrownBy(() -> run(x.reshape(4, 3), CodeFormat.E2M1, 1, 3, new Scaling.Absmax(6), DType.F32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("whole bytes");
    }

    private Result run(Matrix x, CodeFormat format, long height, long width, Scaling scaling, DType scaleType) {
        long tileRows = Math.ceilDiv(x.rows(), height);
        long tileColumns = Math.ceilDiv(x.columns(), width);
        Matrix codes = output(DType.U8, x.rows(), format.rowBytes(x.columns()));
        Matrix scales = output(scaleType, tileRows, tileColumns);
        Matrix zeroPoints = scaling instanceof Scaling.Range ? output(DType.I8, tileRows, tileColumns) : null;
        Matrix flag = ints(0);
        backend.operations()
                .quantizeTiles()
                .quantize(
                        new QuantizeTiles.Arguments(
                                x,
                                format,
                                new QuantizeTiles.Tile(height, width),
                                scaling,
                                codes,
                                scales,
                                zeroPoints,
                                flag),
                        stream);
        return new Result(codes, scales, zeroPoints == null ? output(DType.I8, 0, 0) : zeroPoints, flag);
    }

    private void check(
            DType type,
            CodeFormat format,
            int height,
            int width,
            Scaling scaling,
            DType scaleType,
            int rows,
            int columns,
            long seed) {
        RandomGenerator random = random(seed);
        float[] values = gaussian(random, rows * columns, 0.05);
        values[0] = -0f;
        values[values.length - 1] = 9.5f;
        for (int i = 0; i < Math.min(columns, 4); i++) {
            values[i] = Math.abs(values[i]);
        }
        check(type, format, height, width, scaling, scaleType, rows, columns, values);
    }

    private void check(
            DType type,
            CodeFormat format,
            int height,
            int width,
            Scaling scaling,
            DType scaleType,
            int rows,
            int columns,
            float[] values) {
        Matrix x = input(type, rows, columns, values);
        float[] rounded = floats(x);
        Result result = run(x, format, height, width, scaling, scaleType);
        assertThat(readInts(result.nonFinite())).containsExactly(0);
        byte[] codes = bytes(result.codes());
        byte[] zeroPoints = bytes(result.zeroPoints());
        float[] scales = scaleType == DType.U8 ? unsigned(bytes(result.scales())) : floats(result.scales());
        int tiles = (int) result.scales().columns();
        for (int tileRow = 0; tileRow < result.scales().rows(); tileRow++) {
            for (int tileColumn = 0; tileColumn < tiles; tileColumn++) {
                int toRow = Math.min(rows, (tileRow + 1) * height);
                int toColumn = Math.min(columns, (tileColumn + 1) * width);
                float[] tile = new float[(toRow - tileRow * height) * (toColumn - tileColumn * width)];
                int n = 0;
                for (int row = tileRow * height; row < toRow; row++) {
                    for (int column = tileColumn * width; column < toColumn; column++) {
                        tile[n++] = rounded[row * columns + column];
                    }
                }
                TileOracle.Scale scale = TileOracle.scale(tile, format, scaling, scaleType);
                int index = tileRow * tiles + tileColumn;
                assertThat(scales[index]).as("scale %d", index).isEqualTo(scale.stored());
                if (zeroPoints.length > 0) {
                    assertThat(zeroPoints[index]).as("zero point %d", index).isEqualTo((byte) scale.zeroPoint());
                }
                for (int row = tileRow * height; row < toRow; row++) {
                    for (int column = tileColumn * width; column < toColumn; column++) {
                        int expected = TileOracle.code(rounded[row * columns + column], scale, format);
                        int actual = TileOracle.stored(codes, (int) format.rowBytes(columns), row, column, format);
                        if (actual != expected) {
                            throw new AssertionError(format + " " + scaling + " " + rows + " x " + columns + " at "
                                    + row + "," + column + ": " + actual + ", expected " + expected);
                        }
                    }
                }
            }
        }
    }

    private static float[] unsigned(byte[] bytes) {
        float[] values = new float[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            values[i] = bytes[i] & 0xFF;
        }
        return values;
    }
}
