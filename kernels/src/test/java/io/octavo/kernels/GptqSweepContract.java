package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.GptqSweep;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

abstract class GptqSweepContract extends BackendContract {

    GptqSweepContract(IntFunction<Backend> open) {
        super(open);
    }

    /** One call's operands, and what came out. */
    private final class Sweep {

        final int rows;
        final int columns;
        final int groupColumns;
        final int groups;
        final CodeFormat format;
        final float[] scales;
        final float[] zeroPoints;
        final int[] order;
        final float[] u;
        DType type = DType.F32;
        float[] weights;
        byte[] codes = {};
        float[] losses = {};

        Sweep(int rows, int columns, int groupColumns, CodeFormat format, boolean ordered, RandomGenerator random) {
            this.rows = rows;
            this.columns = columns;
            this.groupColumns = groupColumns;
            this.format = format;
            groups = Math.ceilDiv(columns, groupColumns);
            weights = gaussian(random, rows * columns, 1);
            scales = new float[rows * groups];
            zeroPoints = new float[rows * groups];
            for (int i = 0; i < scales.length; i++) {
                scales[i] = random.nextFloat(2, 3) / format.highest();
                zeroPoints[i] = format.isInteger() ? random.nextInt(-2, 3) : 0;
            }
            order = new int[columns];
            Arrays.setAll(order, i -> i);
            for (int i = ordered ? columns - 1 : 0; i > 0; i--) {
                int other = random.nextInt(i + 1);
                int kept = order[i];
                order[i] = order[other];
                order[other] = kept;
            }
            u = factor(random, columns);
        }

        void run() {
            Matrix found = output(DType.U8, rows, format.rowBytes(columns));
            Matrix sums = output(DType.F32, 1, rows);
            Matrix typed = input(type, rows, columns, weights);
            weights = floats(typed);
            boolean ordered = order.length > 1
                    && !Arrays.equals(order, Arrays.stream(order).sorted().toArray());
            backend.operations()
                    .gptqSweep()
                    .quantize(
                            new GptqSweep.Arguments(
                                    typed,
                                    input(DType.F32, columns, columns, u),
                                    ordered ? ints(order) : null,
                                    format,
                                    input(DType.F32, rows, groups, scales),
                                    format.isInteger() ? input(DType.I8, rows, groups, zeroPoints) : null,
                                    groupColumns,
                                    found,
                                    sums),
                            stream);
            codes = bytes(found);
            losses = floats(sums);
        }

        TileOracle.Scale scale(int row, int column) {
            int at = row * groups + column / groupColumns;
            return new TileOracle.Scale(scales[at], scales[at], (int) zeroPoints[at]);
        }

        int code(int row, int column) {
            return TileOracle.stored(codes, (int) format.rowBytes(columns), row, column, format);
        }

        double rounded(int row, int column, int code) {
            TileOracle.Scale scale = scale(row, column);
            return (TileOracle.number(code, format) - scale.zeroPoint()) * (double) scale.scale();
        }
    }

    /**
     * Numbers close to the diagonal and a few far from it, whose sum by column stays below the diagonal's, so that an error is
     * passed on but does not grow; NaN below the diagonal.
     */
    private static float[] factor(RandomGenerator random, int n) {
        float[] u = new float[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double near = Math.scalb(0.2, -Math.abs(j - i));
                u[i * n + j] = i == j
                        ? random.nextFloat(0.8f, 1.2f)
                        : i < j ? (float) (random.nextGaussian() * (near + 0.4 / n)) : Float.NaN;
            }
        }
        return u;
    }

    /**
     * In f64, errors being those of the codes that were found, every code is the nearest of what earlier errors have left. A
     * number may be off by a rounding for each error that was added to it, and by what those errors were off.
     */
    private static void check(Sweep sweep) {
        int n = sweep.columns;
        double[] w = new double[n];
        double[] size = new double[n];
        double[] off = new double[n];
        for (int row = 0; row < sweep.rows; row++) {
            double loss = 0;
            for (int i = 0; i < n; i++) {
                w[i] = sweep.weights[row * n + sweep.order[i]];
                size[i] = Math.abs(w[i]);
                off[i] = 0;
            }
            for (int i = 0; i < n; i++) {
                int column = sweep.order[i];
                int code = sweep.code(row, column);
                double allowed = off[i] + (i + 8) * ROUNDING * size[i];
                TileOracle.Scale scale = sweep.scale(row, column);
                boolean nearest = false;
                for (double number : new double[] {w[i] - allowed, w[i], w[i] + allowed}) {
                    nearest |= TileOracle.code((float) number, scale, sweep.format) == code;
                }
                assertThat(nearest)
                        .as("row %d, column %d: code %d of %s +- %s by %s", row, column, code, w[i], allowed, scale)
                        .isTrue();
                double error = (w[i] - sweep.rounded(row, column, code)) / sweep.u[i * n + i];
                double errorOff = allowed / sweep.u[i * n + i] + 4 * ROUNDING * Math.abs(error);
                loss += error * error;
                for (int j = i + 1; j < n; j++) {
                    w[j] -= error * sweep.u[i * n + j];
                    size[j] += Math.abs(error * sweep.u[i * n + j]);
                    off[j] += errorOff * Math.abs(sweep.u[i * n + j]);
                }
            }
            assertWithin(sweep.losses[row], loss, loss * 1e-4, "loss", row);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyCodeIsTheNearestOfWhatEarlierErrorsLeave(CodeFormat format) {
        for (int columns : new int[] {2, 62, 128, 130, 520}) {
            for (boolean ordered : new boolean[] {false, true}) {
                for (int groupColumns : new int[] {16, 64, 4096}) {
                    RandomGenerator random = random(columns + groupColumns);
                    var sweep = new Sweep(37, columns, groupColumns, format, ordered, random);
                    sweep.run();
                    check(sweep);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"F32,1", "F16,64", "BF16,200", "BF16,259"})
    void takesWeightsOfAnyTypeAndNumberOfRows(DType type, int rows) {
        var sweep = new Sweep(rows, 256, 128, CodeFormat.INT4_OFFSET, true, random(rows));
        sweep.type = type;
        sweep.run();
        check(sweep);
    }

    /** Then codes are those of plain rounding, to the last. */
    @ParameterizedTest
    @EnumSource
    void columnsThatHaveNothingToDoWithEachOtherAreRounded(CodeFormat format) {
        var sweep = new Sweep(19, 264, 32, format, true, random(7));
        for (int i = 0; i < sweep.u.length; i++) {
            sweep.u[i] = i % (sweep.columns + 1) == 0 ? 1 : 0;
        }
        sweep.run();
        for (int row = 0; row < sweep.rows; row++) {
            for (int column = 0; column < sweep.columns; column++) {
                float weight = sweep.weights[row * sweep.columns + column];
                assertThat(sweep.code(row, column))
                        .as("row %d, column %d", row, column)
                        .isEqualTo(TileOracle.code(weight, sweep.scale(row, column), format));
            }
        }
    }

    /** With the factor of a real matrix: {@code d h d^T} is the loss that is told, and well below that of plain rounding. */
    @Test
    void losesLessThanRounding() {
        int n = 200;
        RandomGenerator random = random(3);
        double[][] x = correlated(random, 3 * n, n);
        float[] h = new float[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = i == j ? 0.01 * n : 0;
                for (double[] token : x) {
                    sum += token[i] * token[j];
                }
                h[i * n + j] = (float) (sum / n);
            }
        }
        Matrix factor = inOut(n, n, h.clone());
        backend.operations().inverseFactor().factor(factor, output(DType.I32, 1, 1), stream);
        var sweep = new Sweep(40, n, 50, CodeFormat.INT4_OFFSET, false, random);
        System.arraycopy(floats(factor), 0, sweep.u, 0, n * n);
        sweep.run();
        double all = 0;
        double plain = 0;
        for (int row = 0; row < sweep.rows; row++) {
            double[] swept = new double[n];
            double[] rounded = new double[n];
            for (int column = 0; column < n; column++) {
                float weight = sweep.weights[row * n + column];
                int nearest = TileOracle.code(weight, sweep.scale(row, column), sweep.format);
                swept[column] = weight - sweep.rounded(row, column, sweep.code(row, column));
                rounded[column] = weight - sweep.rounded(row, column, nearest);
            }
            double loss = form(h, swept, n);
            assertWithin(sweep.losses[row], loss, 1e-3 * loss, "loss", row);
            all += loss;
            plain += form(h, rounded, n);
        }
        assertThat(all).isLessThan(0.6 * plain);
    }

    /** Each column half of the one before it. */
    private static double[][] correlated(RandomGenerator random, int tokens, int n) {
        double[][] x = new double[tokens][n];
        for (double[] token : x) {
            for (int i = 0; i < n; i++) {
                token[i] = random.nextGaussian() + (i == 0 ? 0 : 0.9 * token[i - 1]);
            }
        }
        return x;
    }

    private static double form(float[] h, double[] d, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                sum += d[i] * h[i * n + j] * d[j];
            }
        }
        return sum;
    }

    @Test
    void theSameNumbersGiveTheSameBits() {
        byte @Nullable [] first = null;
        float @Nullable [] losses = null;
        for (int threads : new int[] {1, 2, 3}) {
            var sweep = new Sweep(301, 400, 128, CodeFormat.INT4_OFFSET, true, random(5));
            withThreads(threads, sweep::run);
            first = first == null ? sweep.codes : first;
            losses = losses == null ? sweep.losses : losses;
            assertThat(sweep.codes).as("%d threads", threads).isEqualTo(first);
            assertThat(sweep.losses).as("%d threads", threads).isEqualTo(losses);
        }
    }

    @Test
    void rejectsOperandsThatDoNotFit() {
        Matrix weights = inOut(2, 4, new float[8]);
        Matrix codes = output(DType.U8, 2, 4);
        Matrix losses = output(DType.F32, 1, 2);
        Matrix u = inOut(4, 4, new float[16]);
        Matrix scales = inOut(2, 2, 1, 1, 1, 1);
        Matrix zeros = input(DType.I8, 2, 2, new float[4]);
        assertRejected(weights, inOut(4, 3, new float[12]), CodeFormat.INT8, scales, null, 2, codes, losses);
        assertRejected(weights, u, CodeFormat.INT8, scales, null, 1, codes, losses);
        assertRejected(weights, u, CodeFormat.INT8, scales, null, 0, codes, losses);
        assertRejected(weights, u, CodeFormat.INT4_OFFSET, scales, null, 2, codes, losses);
        assertRejected(weights, u, CodeFormat.E4M3, scales, zeros, 2, codes, losses);
        assertRejected(weights, u, CodeFormat.INT8, scales, null, 2, codes, output(DType.F32, 1, 3));
    }

    private void assertRejected(
            Matrix weights,
            Matrix factor,
            CodeFormat format,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            Matrix codes,
            Matrix losses) {
        assertThatThrownBy(() -> new GptqSweep.Arguments(
                        weights, factor, null, format, scales, zeroPoints, groupColumns, codes, losses))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void rejectsAnOrderThatNamesNoColumn() {
        if (checksIndices()) {
            Matrix weights = inOut(1, 2, 1, 2);
            Matrix u = inOut(2, 2, 1, 0, 0, 1);
            Matrix codes = output(DType.U8, 1, 2);
            Matrix losses = output(DType.F32, 1, 1);
            Matrix scales = inOut(1, 1, 1);
            Matrix order = ints(0, 2);
            var arguments = new GptqSweep.Arguments(weights, u, order, CodeFormat.INT8, scales, null, 2, codes, losses);
            assertThatThrownBy(() -> backend.operations().gptqSweep().quantize(arguments, stream))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
