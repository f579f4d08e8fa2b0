package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.FusedSteps;
import io.octavo.kernels.operation.GatedActivation;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps beside the operations that they stand for, whose own contracts tell whether those are right: bit for bit. */
abstract class FusedStepsContract extends BackendContract {

    private static final DType[] ROUNDED = {DType.F32, DType.BF16, DType.F8_E4M3, DType.I8};
    private static final int[] ROWS = {0, 1, 3, 40};

    FusedStepsContract(IntFunction<Backend> open) {
        super(open);
    }

    /** Whole vectors and not, within what threads keep of a row (16,384 columns) and beyond. */
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 64, 100, 704, 4096, 5120, 16388, 20000, 20001})
    void normalizesAsOperationsDo(int columns) {
        for (int rows : columns > 5120 ? new int[] {2} : ROWS) {
            for (DType rounded : ROUNDED) {
                normalize(rows, columns, DType.BF16, 0, rounded, true);
                normalize(rows, columns, DType.F32, 1, rounded, false);
            }
        }
        normalize(3, columns, DType.F16, 0, DType.F8_E4M3, true);
    }

    private void normalize(int rows, int columns, DType weightType, float gainOffset, DType type, boolean adds) {
        RandomGenerator random = random(rows + 31L * columns);
        float[] numbers = gaussian(random, rows * columns, 1);
        float[] more = gaussian(random, rows * columns, 0.3);
        Matrix weight = input(weightType, 1, columns, gaussian(random, columns, 1));

        Matrix expectedX = inOut(rows, columns, numbers);
        if (adds) {
            backend.operations().add().accumulate(expectedX, inOut(rows, columns, more), stream);
        }
        Matrix normalized = output(DType.F32, rows, columns);
        backend.operations().rmsNorm().normalize(expectedX, weight, gainOffset, 1e-5f, normalized, stream);
        ScaledMatrix expected = rounded(type, rows, columns);
        round(normalized, expected);

        Matrix x = inOut(rows, columns, numbers);
        Matrix other = inOut(rows, columns, more);
        ScaledMatrix actual = rounded(type, rows, columns);
        backend.operations()
                .fusedSteps()
                .normalize(
                        new FusedSteps.Normalization(
                                x, adds ? other : null, weight, gainOffset, 1e-5f, other, actual, 448),
                        stream);
        assertThat(bytes(x)).isEqualTo(bytes(expectedX));
        assertSame(actual, expected);
    }

    @Test
    void normalizesOverItsAddend() {
        float[] numbers = gaussian(random(1), 3 * 640, 1);
        float[] more = gaussian(random(2), 3 * 640, 1);
        Matrix weight = input(DType.BF16, 1, 640, gaussian(random(3), 640, 1));
        Matrix expected = output(DType.F32, 3, 640);
        Matrix addend = inOut(3, 640, more);
        backend.operations()
                .fusedSteps()
                .normalize(
                        new FusedSteps.Normalization(
                                inOut(3, 640, numbers),
                                inOut(3, 640, more),
                                weight,
                                0,
                                1e-5f,
                                output(DType.F32, 3, 640),
                                ScaledMatrix.plain(expected),
                                1),
                        stream);
        backend.operations()
                .fusedSteps()
                .normalize(
                        new FusedSteps.Normalization(
                                inOut(3, 640, numbers),
                                addend,
                                weight,
                                0,
                                1e-5f,
                                addend,
                                ScaledMatrix.plain(addend),
                                1),
                        stream);
        assertThat(floats(addend)).isEqualTo(floats(expected));
    }

    @ParameterizedTest
    @EnumSource(GatedActivation.Function.class)
    void activatesAsOperationsDo(GatedActivation.Function function) {
        for (int columns : new int[] {1, 30, 704, 13824, 20000}) {
            for (int rows : columns > 704 ? new int[] {2} : ROWS) {
                for (DType type : ROUNDED) {
                    activate(function, rows, columns, type);
                }
            }
        }
    }

    private void activate(GatedActivation.Function function, int rows, int columns, DType type) {
        RandomGenerator random = random(rows + 31L * columns);
        float[] gates = gaussian(random, rows * columns, 3);
        float[] ups = gaussian(random, rows * columns, 1);
        Matrix activated = inOut(rows, columns, gates);
        backend.operations().gatedActivation().apply(function, activated, inOut(rows, columns, ups), activated, stream);
        ScaledMatrix expected = rounded(type, rows, columns);
        round(activated, expected);
        ScaledMatrix actual = rounded(type, rows, columns);
        backend.operations()
                .fusedSteps()
                .activate(
                        new FusedSteps.Activation(
                                function, inOut(rows, columns, gates), inOut(rows, columns, ups), actual, 448),
                        stream);
        assertSame(actual, expected);
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16", "F8_E4M3", "I8"})
    void rotatesAndWritesAsOperationsDo(DType cacheType) {
        for (int headDim : new int[] {2, 64, 96, 128, 256}) {
            rotateAndWrite(cacheType, headDim, headDim / 2, 1, 1, false);
            rotateAndWrite(cacheType, headDim, headDim / 2, 5, 1, false);
            rotateAndWrite(cacheType, headDim, headDim / 2, 8, 2, true);
            rotateAndWrite(cacheType, headDim, Math.max(1, headDim / 4 - 1), 5, 1, false);
        }
    }

    private void rotateAndWrite(DType cacheType, int headDim, int half, int heads, int kvHeads, boolean tokenScales) {
        int tokens = 5;
        RandomGenerator random = random(headDim + heads);
        float[] queries = gaussian(random, tokens * heads * headDim, 1);
        float[] keys = gaussian(random, tokens * kvHeads * headDim, 1);
        float[] values = gaussian(random, tokens * kvHeads * headDim, 1);
        long queryColumns = (long) heads * headDim;
        long keyColumns = (long) kvHeads * headDim;
        Matrix cos = inOut(70, half, gaussian(random, 70 * half, 0.7));
        Matrix sin = inOut(70, half, gaussian(random, 70 * half, 0.7));
        var rotation = new FusedSteps.Rotation(ints(3, 0, 69, 1, 4), cos, sin);
        Matrix slots = ints(65, 0, -1, 127, 64);
        var layout = new KvCacheLayout(2, kvHeads, headDim);

        Matrix expectedQ = inOut(tokens, queryColumns, queries);
        Matrix expectedK = inOut(tokens, keyColumns, keys);
        backend.operations().rope().rotate(expectedQ, rotation.positions(), cos, sin, headDim, stream);
        backend.operations().rope().rotate(expectedK, rotation.positions(), cos, sin, headDim, stream);
        KvCacheTensor expectedKeys = cache(cacheType, layout, tokenScales);
        KvCacheTensor expectedValues = cache(cacheType, layout, tokenScales);
        backend.operations().kvCacheWrite().write(expectedK, slots, layout, expectedKeys, stream);
        backend.operations()
                .kvCacheWrite()
                .write(inOut(tokens, keyColumns, values), slots, layout, expectedValues, stream);

        Matrix q = inOut(tokens, queryColumns, queries);
        Matrix k = inOut(tokens, keyColumns, keys);
        Matrix v = inOut(tokens, keyColumns, values);
        KvCacheTensor actualKeys = cache(cacheType, layout, tokenScales);
        KvCacheTensor actualValues = cache(cacheType, layout, tokenScales);
        backend.operations()
                .fusedSteps()
                .rotateAndWrite(
                        new FusedSteps.RotatedWrite(q, k, v, rotation, slots, layout, actualKeys, actualValues),
                        stream);
        assertThat(bytes(q)).isEqualTo(bytes(expectedQ));
        assertThat(bytes(k)).isEqualTo(bytes(expectedK));
        assertSame(actualKeys.numbers(), expectedKeys.numbers(), actualKeys.scales(), expectedKeys.scales());
        assertSame(actualValues.numbers(), expectedValues.numbers(), actualValues.scales(), expectedValues.scales());
    }

    /** Few rows of short and of long contexts, many, and a head that no tensor core takes. */
    @ParameterizedTest
    @CsvSource({
        "BF16, 128, 1, 130",
        "BF16, 128, 1, 1000",
        "BF16, 64, 2, 65",
        "F8_E4M3, 128, 1, 300",
        "I8, 64, 1, 700",
        "BF16, 128, 70, 70",
        "F32, 64, 3, 100",
        "BF16, 80, 1, 64"
    })
    void attendsAndRoundsAsOperationsDo(DType cacheType, int headDim, int queries, int context) {
        RandomGenerator random = random(headDim + context);
        int pages = Math.ceilDiv(context, KvCacheLayout.PAGE_TOKENS);
        var layout = new KvCacheLayout(pages, 2, headDim);
        KvCacheTensor keys = cache(cacheType, layout, false);
        KvCacheTensor values = cache(cacheType, layout, false);
        Matrix slots = ints(IntStream.range(0, context).toArray());
        for (KvCacheTensor tensor : List.of(keys, values)) {
            Matrix rows = inOut(context, 2L * headDim, gaussian(random, context * 2 * headDim, 1));
            backend.operations().kvCacheWrite().write(rows, slots, layout, tensor, stream);
        }
        Matrix q = input(DType.F32, queries, 8L * headDim, gaussian(random, queries * 8 * headDim, 1));
        var batch = new Attention.Batch(
                ints(0, queries), ints(context), ints(IntStream.range(0, pages).toArray()));
        var parameters = new Attention.Parameters(8, layout, 0.1f, Integer.MAX_VALUE, 0);
        Matrix attended = output(DType.F32, queries, 8L * headDim);
        var arguments = new Attention.Arguments(q, keys, values, batch, parameters, attended);
        backend.operations().attention().attend(arguments, stream);
        Matrix expected = output(DType.BF16, queries, 8L * headDim);
        backend.operations().convert().convert(attended, expected, stream);

        Matrix actual = output(DType.BF16, queries, 8L * headDim);
        backend.operations().fusedSteps().attend(arguments, actual, stream);
        assertThat(bytes(actual)).isEqualTo(bytes(expected));
        assertThatThrownBy(() -> backend.operations().fusedSteps().attend(arguments, attended, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("rounded");
    }

    private KvCacheTensor cache(DType type, KvCacheLayout layout, boolean tokenScales) {
        Matrix numbers = output(type, layout.rows(), layout.headDim());
        if (type == DType.F32 || type == DType.BF16) {
            return KvCacheTensor.plain(numbers);
        }
        Matrix scales = tokenScales ? output(DType.F32, layout.rows(), 1) : inOut(1, 1, new float[] {0.02f});
        return new KvCacheTensor(numbers, scales);
    }

    @Test
    void refusesWhatDoesNotFit() {
        Matrix x = inOut(2, 8, new float[16]);
        Matrix weight = inOut(1, 8, new float[8]);
        ScaledMatrix codes = rounded(DType.F8_E4M3, 2, 8);
        assertThatThrownBy(() -> backend.operations()
                        .fusedSteps()
                        .normalize(
                                new FusedSteps.Normalization(
                                        x, inOut(2, 4, new float[8]), weight, 0, 1e-5f, x, codes, 448),
                                stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("addend is 2 x 4, expected 2 x 8");
        assertThatThrownBy(() -> backend.operations()
                        .fusedSteps()
                        .normalize(new FusedSteps.Normalization(x, null, weight, 0, 1e-5f, x, codes, 0), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("divisor");
        ScaledMatrix plainCodes = ScaledMatrix.plain(codes.codes());
        assertThatThrownBy(() -> backend.operations()
                        .fusedSteps()
                        .activate(
                                new FusedSteps.Activation(GatedActivation.Function.SILU, x, x, plainCodes, 448),
                                stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("rounded");
    }

    private ScaledMatrix rounded(DType type, int rows, int columns) {
        boolean scaled = type == DType.F8_E4M3 || type == DType.I8;
        return new ScaledMatrix(output(type, rows, columns), scaled ? output(DType.F32, rows, 1) : null);
    }

    private void round(Matrix numbers, ScaledMatrix target) {
        Matrix scales = target.scales();
        if (scales != null) {
            backend.operations().quantizeRows().quantize(numbers, target.codes(), scales, 448, ints(0), stream);
        } else {
            backend.operations().convert().convert(numbers, target.codes(), stream);
        }
    }

    private void assertSame(ScaledMatrix actual, ScaledMatrix expected) {
        assertSame(actual.codes(), expected.codes(), actual.scales(), expected.scales());
    }

    private void assertSame(
            Matrix actual, Matrix expected, @Nullable Matrix actualScales, @Nullable Matrix expectedScales) {
        assertThat(bytes(actual)).isEqualTo(bytes(expected));
        if (actualScales != null && expectedScales != null) {
            assertThat(bytes(actualScales)).isEqualTo(bytes(expectedScales));
        }
    }
}
