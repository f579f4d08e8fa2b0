package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.backend.Operations;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link Backend#batchInvariant}: rows beside a row change no bit of it, in the operations that know several rows at once. */
abstract class BatchInvarianceContract extends BackendContract {

    BatchInvarianceContract(IntFunction<Backend> open) {
        super(open);
    }

    private Operations operations() {
        return backend.batchInvariant().operations();
    }

    /** Around the limits between few and many rows, the tile of 6 and the block of 120 rows. */
    @ParameterizedTest
    @CsvSource({"BF16, 260", "F32, 83", "I8, 128", "F8_E4M3, 1040"})
    void productsOfARowDoNotDependOnOthers(DType type, int columns) {
        RandomGenerator random = random(columns);
        int n = 70;
        int most = 131;
        Matrix a = input(DType.F32, most, columns, gaussian(random, most * columns, 1));
        Matrix numbers = input(type, n, columns, gaussian(random, n * columns, 30));
        ScaledMatrix w = type == DType.I8
                ? new ScaledMatrix(numbers, input(DType.F32, n, 2, gaussian(random, n * 2, 1)))
                : ScaledMatrix.plain(numbers);
        float[] alone = new float[most * n];
        for (int row = 0; row < most; row++) {
            System.arraycopy(product(a.rows(row, row + 1), w), 0, alone, row * n, n);
        }
        for (int m : new int[] {2, 5, 6, 7, 8, 9, 13, 64, 119, 121, most}) {
            assertThat(product(a.rows(0, m), w)).isEqualTo(Arrays.copyOf(alone, m * n));
        }
    }

    private float[] product(ScaledMatrix a, ScaledMatrix w) {
        Matrix out = output(DType.F32, a.rows(), w.rows());
        operations().matMul().multiply(a, w, out, stream);
        return floats(out);
    }

    private float[] product(Matrix a, ScaledMatrix w) {
        return product(ScaledMatrix.plain(a), w);
    }

    /** All queries of a prompt at once, in pieces, and one by one as in decoding, beside another sequence. */
    @ParameterizedTest
    @CsvSource({"4, 2, 64, 1000000", "6, 1, 40, 1000000", "4, 2, 64, 50"})
    void attentionOfARowDoesNotDependOnOthers(int heads, int kvHeads, int headDim, int window) {
        RandomGenerator random = random(headDim + window);
        int tokens = 150;
        var layout = new KvCacheLayout(4, kvHeads, headDim);
        int rows = Math.toIntExact(layout.rows());
        Matrix keys = input(DType.F32, rows, headDim, gaussian(random, rows * headDim, 1));
        Matrix values = input(DType.F32, rows, headDim, gaussian(random, rows * headDim, 1));
        int columns = heads * headDim;
        Matrix q = input(DType.F32, tokens, columns, gaussian(random, tokens * columns, 1));
        var parameters = new Attention.Parameters(heads, layout, 0.2f, window, 0);
        float[] whole = attend(q, keys, values, parameters, 0, tokens, false);
        for (int piece : new int[] {1, 7, 64, 100}) {
            float[] pieces = new float[tokens * columns];
            for (int from = 0; from < tokens; from += piece) {
                int to = Math.min(from + piece, tokens);
                float[] found = attend(q, keys, values, parameters, from, to, true);
                System.arraycopy(found, 0, pieces, from * columns, (to - from) * columns);
            }
            assertThat(pieces).as("%d tokens at once", piece).isEqualTo(whole);
        }
    }

    /** Of the tokens {@code [from, to)}, perhaps with another sequence behind them that sees one page. */
    private float[] attend(
            Matrix q, Matrix keys, Matrix values, Attention.Parameters parameters, int from, int to, boolean beside) {
        int queries = to - from;
        Matrix own = beside ? withLast(q, from, to) : q.rows(from, to);
        var batch = beside
                ? new Attention.Batch(
                        ints(0, queries, queries + 1), ints(to, 9), intMatrix(2, 4, 2, 0, 3, 0, 1, 0, 0, 0))
                : new Attention.Batch(ints(0, queries), ints(to), intMatrix(1, 3, 2, 0, 3));
        Matrix out = output(DType.F32, own.rows(), q.columns());
        operations()
                .attention()
                .attend(
                        new Attention.Arguments(
                                own, KvCacheTensor.plain(keys), KvCacheTensor.plain(values), batch, parameters, out),
                        stream);
        return Arrays.copyOf(floats(out), Math.toIntExact(queries * q.columns()));
    }

    private Matrix withLast(Matrix q, int from, int to) {
        int columns = Math.toIntExact(q.columns());
        float[] all = floats(q);
        float[] rows = Arrays.copyOfRange(all, from * columns, (to + 1) * columns);
        return input(DType.F32, to - from + 1L, columns, rows);
    }
}
