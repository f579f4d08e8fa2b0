package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.ScaleFormat;
import io.octavo.kernels.quantization.CodeRefinement;
import io.octavo.kernels.quantization.QuantizeTiles.Tile;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

abstract class CodeRefinementContract extends BackendContract {

    CodeRefinementContract(IntFunction<Backend> open) {
        super(open);
    }

    /** One call's operands, and what came out. */
    private final class Weight {

        final int rows;
        final int columns;
        final Tile tile;
        final int groups;
        final CodeFormat format;
        final ScaleFormat scaleFormat;
        final float divisor;
        final float[] h;
        final float[] zeroPoints;
        final float[] scalesBefore;
        final byte[] codesBefore;
        DType type = DType.F32;
        float[] weights;
        float[] scales = {};
        byte[] codes = {};
        float[] losses = {};

        /** Codes are the nearest but for some that are one off; scales a little too large. */
        Weight(int rows, int columns, Tile tile, CodeFormat format, ScaleFormat scaleFormat, RandomGenerator random) {
            this.rows = rows;
            this.columns = columns;
            this.tile = tile;
            this.format = format;
            this.scaleFormat = scaleFormat;
            this.divisor = scaleFormat == ScaleFormat.E4M3 ? 96 : 1;
            this.groups = (int) Math.ceilDiv(columns, tile.columns());
            h = moments(random, columns);
            weights = gaussian(random, rows * columns, 1);
            scalesBefore = new float[(int) Math.ceilDiv(rows, tile.rows()) * groups];
            zeroPoints = new float[scalesBefore.length];
            for (int i = 0; i < scalesBefore.length; i++) {
                scalesBefore[i] = scaleFormat.nearest(divisor * random.nextFloat(2, 3) / format.highest());
                zeroPoints[i] = format.isInteger() ? random.nextInt(-2, 3) : 0;
            }
            codesBefore = new byte[rows * (int) format.rowBytes(columns)];
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < columns; column++) {
                    TileOracle.Scale scale = scale(scalesBefore, row, column);
                    float off = random.nextInt(5) == 0 ? 1.3f * scale.scale() : 0;
                    put(row, column, TileOracle.code(weights[row * columns + column] + off, scale, format));
                }
            }
        }

        private void put(int row, int column, int code) {
            int at = row * (int) format.rowBytes(columns) + column * format.bits() / Byte.SIZE;
            int stored = code + format.offset();
            codesBefore[at] = (byte)
                    (format.bits() == Byte.SIZE
                            ? stored
                            : (codesBefore[at] & (column % 2 == 0 ? 0xF0 : 0x0F))
                                    | ((stored & 15) << (column % 2 * 4)));
        }

        Weight run(int sweeps) {
            Matrix found = output(DType.U8, rows, format.rowBytes(columns));
            found.buffer().copyFrom(MemorySegment.ofArray(codesBefore), 0, stream);
            Matrix sums = output(DType.F32, 1, rows);
            Matrix typed = input(type, rows, columns, weights);
            weights = floats(typed);
            long tilesDown = scalesBefore.length / groups;
            Matrix changed = inOut(tilesDown, groups, scalesBefore.clone());
            backend.operations()
                    .codeRefinement()
                    .refine(
                            new CodeRefinement.Arguments(
                                    typed,
                                    input(DType.F32, columns, columns, h),
                                    format,
                                    tile,
                                    scaleFormat,
                                    divisor,
                                    changed,
                                    format.isInteger() ? input(DType.I8, tilesDown, groups, zeroPoints) : null,
                                    found,
                                    sweeps,
                                    sums),
                            stream);
            codes = bytes(found);
            scales = floats(changed);
            losses = floats(sums);
            return this;
        }

        private int tileAt(int row, int column) {
            return (int) (row / tile.rows() * groups + column / tile.columns());
        }

        TileOracle.Scale scale(float[] from, int row, int column) {
            int at = tileAt(row, column);
            return new TileOracle.Scale(from[at], from[at] / divisor, (int) zeroPoints[at]);
        }

        /** What a code stands for, before scaling. */
        double number(byte[] from, int row, int column) {
            int code = TileOracle.stored(from, (int) format.rowBytes(columns), row, column, format);
            return TileOracle.number(code, format) - (double) zeroPoints[tileAt(row, column)];
        }

        double[] differences(byte[] someCodes, float[] someScales, int row) {
            double[] d = new double[columns];
            for (int column = 0; column < columns; column++) {
                double scale = someScales[tileAt(row, column)] / (double) divisor;
                d[column] = weights[row * columns + column] - number(someCodes, row, column) * scale;
            }
            return d;
        }
    }

    /** Of inputs that go together, one of which is always zero. */
    private static float[] moments(RandomGenerator random, int n) {
        int causes = n / 3 + 1;
        float[][] mixing = new float[n][];
        for (int i = 0; i < n; i++) {
            mixing[i] = gaussian(random, causes, i == n / 2 && n > 2 ? 0 : 1 / Math.sqrt(causes));
        }
        float[] h = new float[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                float sum = 0;
                for (int k = 0; k < causes; k++) {
                    sum += mixing[i][k] * mixing[j][k];
                }
                h[i * n + j] = i == j ? 1.2f * sum : sum;
                h[j * n + i] = h[i * n + j];
            }
        }
        return h;
    }

    /** A row's gradient in f64, and by how much f32 arithmetic may be off. */
    private static final class Gradient {

        final Weight weight;
        final double[] g;
        final double[] size;
        int moves;

        Gradient(Weight weight, double[] d) {
            this.weight = weight;
            g = new double[d.length];
            size = new double[d.length];
            for (int i = 0; i < d.length; i++) {
                move(i, -d[i]);
            }
        }

        void move(int column, double step) {
            for (int i = 0; i < g.length; i++) {
                double product = step * weight.h[column * g.length + i];
                g[i] -= product;
                size[i] += Math.abs(product);
            }
            moves++;
        }

        /** A rounding for each product that was added, and some for what was multiplied. */
        double off(int column) {
            return (moves + 16) * ROUNDING * size[column];
        }
    }

    /** In f64, after the steps that were found, every code and scale is the best one while all else stays. */
    private static void check(Weight w) {
        for (int row = 0; row < w.rows; row++) {
            var gradient = new Gradient(w, w.differences(w.codesBefore, w.scalesBefore, row));
            int width = (int) Math.min(w.tile.columns(), w.columns);
            for (int from = 0; from < w.columns; from += width) {
                int to = Math.min(from + width, w.columns);
                for (int column = from; column < to; column++) {
                    checkCode(w, gradient, row, column);
                }
                if (w.tile.rows() == 1) {
                    checkScale(w, gradient, row, from, to);
                } else {
                    assertThat(w.scales).isEqualTo(w.scalesBefore);
                }
            }
            checkLoss(w, row);
        }
    }

    private static void checkCode(Weight w, Gradient gradient, int row, int column) {
        double before = w.number(w.codesBefore, row, column);
        double after = w.number(w.codes, row, column);
        double curvature = w.h[column * w.columns + column];
        if (curvature == 0) {
            assertThat(after).isEqualTo(before);
            return;
        }
        TileOracle.Scale scale = w.scale(w.scalesBefore, row, column);
        double wanted = before * scale.scale() + gradient.g[column] / curvature;
        double allowed = gradient.off(column) / curvature + 8 * ROUNDING * (Math.abs(wanted) + 8 * scale.scale());
        boolean nearest = false;
        for (double number : new double[] {wanted - allowed, wanted, wanted + allowed}) {
            int code = TileOracle.code((float) number, scale, w.format);
            nearest |= TileOracle.number(code, w.format) - scale.zeroPoint() == after;
        }
        assertThat(nearest)
                .as("row %d, column %d: %s of %s +- %s by %s", row, column, after, wanted, allowed, scale)
                .isTrue();
        gradient.move(column, (after - before) * scale.scale());
    }

    private static void checkScale(Weight w, Gradient gradient, int row, int from, int to) {
        double slope = 0;
        double slopeOff = 0;
        double curvature = 0;
        for (int i = from; i < to; i++) {
            double number = w.number(w.codes, row, i);
            slope += number * gradient.g[i];
            slopeOff += Math.abs(number) * (gradient.off(i) + (to - from) * ROUNDING * Math.abs(gradient.g[i]));
            for (int j = from; j < to; j++) {
                curvature += number * w.h[i * w.columns + j] * w.number(w.codes, row, j);
            }
        }
        int at = w.tileAt(row, from);
        if (curvature == 0) {
            // Every code is zero: no scale is better than another.
            assertThat(w.scales[at]).isEqualTo(w.scalesBefore[at]);
            return;
        }
        double old = w.scalesBefore[at] / (double) w.divisor;
        double step = w.scales[at] / (double) w.divisor - old;
        double exact = old + slope / curvature;
        double off = slopeOff / curvature + 1e-4 * Math.abs(slope / curvature) + 8 * ROUNDING * old;
        if (step == 0) {
            double best = w.scaleFormat.nearest((float) (w.divisor * exact)) / (double) w.divisor - old;
            double gain = 2 * best * slope - best * best * curvature;
            assertThat(gain)
                    .as("left at row %d, column %d", row, from)
                    .isLessThanOrEqualTo(2 * Math.abs(best) * off * curvature);
        } else {
            assertThat(w.scales[at])
                    .as("row %d, column %d: scale of %s +- %s", row, from, exact, off)
                    .isBetween(w.scaleFormat.nearest((float) (w.divisor * (exact - off))), w.scaleFormat.nearest((float)
                            (w.divisor * (exact + off))));
            double gain = 2 * step * slope - step * step * curvature;
            assertThat(gain)
                    .as("gain at row %d, column %d", row, from)
                    .isGreaterThan(-2 * Math.abs(step) * off * curvature);
        }
        for (int i = from; i < to && step != 0; i++) {
            gradient.move(i, step * w.number(w.codes, row, i));
        }
    }

    private static void checkLoss(Weight w, int row) {
        double[] d = w.differences(w.codes, w.scales, row);
        var gradient = new Gradient(w, d);
        // What moved on the way left roundings behind, too.
        double[] before = w.differences(w.codesBefore, w.scalesBefore, row);
        var earlier = new Gradient(w, before);
        double loss = 0;
        double off = 0;
        for (int i = 0; i < d.length; i++) {
            loss += d[i] * gradient.g[i];
            off += Math.abs(d[i]) * 4 * (gradient.off(i) + earlier.off(i))
                    + 4 * ROUNDING * Math.abs(w.weights[row * w.columns + i] * gradient.g[i]);
        }
        assertWithin(w.losses[row], loss, off, "loss", row);
    }

    private static ScaleFormat scalesOf(CodeFormat format) {
        return switch (format) {
            case E4M3 -> ScaleFormat.F16;
            case E2M1 -> ScaleFormat.E4M3;
            case INT8 -> ScaleFormat.F32;
            case INT8_OFFSET, INT4_OFFSET -> ScaleFormat.BF16;
        };
    }

    @ParameterizedTest
    @EnumSource
    void everyCodeAndScaleIsTheBestWhileAllElseStays(CodeFormat format) {
        for (int columns : new int[] {2, 62, 130, 290}) {
            for (Tile tile : new Tile[] {
                new Tile(1, 16), new Tile(1, 64), new Tile(1, 50), new Tile(1, 200), new Tile(1, 4096), new Tile(5, 128)
            }) {
                RandomGenerator random = random(columns + tile.columns());
                check(new Weight(11, columns, tile, format, scalesOf(format), random).run(1));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"F32,1", "F16,64", "BF16,200", "BF16,259"})
    void takesWeightsOfAnyTypeAndNumberOfRows(DType type, int rows) {
        var weight = new Weight(rows, 160, new Tile(1, 128), CodeFormat.INT4_OFFSET, ScaleFormat.BF16, random(rows));
        weight.type = type;
        check(weight.run(1));
    }

    @Test
    void scalesMayBePowersOfTwo() {
        check(new Weight(41, 160, new Tile(1, 32), CodeFormat.E2M1, ScaleFormat.E8M0, random(3)).run(1));
    }

    /** A row has the loss that so many sweeps alone lead to, and does not change after one that gained too little. */
    @Test
    void rowsStopWhereASweepDoesNotPay() {
        var weight = new Weight(50, 192, new Tile(1, 64), CodeFormat.INT4_OFFSET, ScaleFormat.BF16, random(11));
        float[] before = weight.run(0).losses;
        boolean[] stopped = new boolean[weight.rows];
        int stops = 0;
        for (int sweeps = 1; sweeps <= 12; sweeps++) {
            float[] after = weight.run(sweeps).losses;
            for (int row = 0; row < weight.rows; row++) {
                double share = (before[row] - after[row]) / after[row];
                if (stopped[row]) {
                    assertThat(after[row])
                            .as("row %d after %d sweeps", row, sweeps)
                            .isEqualTo(before[row]);
                } else {
                    // Losses are sums of 192 squares: what they are off by is far below the share.
                    assertThat(share).as("row %d after %d sweeps", row, sweeps).isGreaterThan(-1e-5);
                    stopped[row] = share < 0.98 * CodeRefinement.WORTHWHILE;
                    stops += stopped[row] ? 1 : 0;
                }
            }
            before = after;
        }
        assertThat(stops).isGreaterThan(weight.rows / 2);
    }

    @Test
    void withoutSweepsOnlyLossesAreFound() {
        for (CodeFormat format : CodeFormat.values()) {
            var weight = new Weight(19, 70, new Tile(1, 64), format, scalesOf(format), random(5)).run(0);
            assertThat(weight.codes).isEqualTo(weight.codesBefore);
            assertThat(weight.scales).isEqualTo(weight.scalesBefore);
            for (int row = 0; row < weight.rows; row++) {
                checkLoss(weight, row);
            }
        }
    }

    @Test
    void theSameNumbersGiveTheSameBits() {
        Weight first = refinedBy(1);
        assertThat(Arrays.equals(first.codes, first.codesBefore)).isFalse();
        for (int threads = 2; threads <= 3; threads++) {
            Weight weight = refinedBy(threads);
            assertThat(weight.codes).as("%d threads", threads).isEqualTo(first.codes);
            assertThat(weight.scales).as("%d threads", threads).isEqualTo(first.scales);
            assertThat(weight.losses).as("%d threads", threads).isEqualTo(first.losses);
        }
    }

    private Weight refinedBy(int threads) {
        var weight = new Weight(301, 200, new Tile(1, 100), CodeFormat.INT4_OFFSET, ScaleFormat.BF16, random(7));
        withThreads(threads, () -> weight.run(12));
        return weight;
    }

    @Test
    void rejectsOperandsThatDoNotFit() {
        Matrix weights = inOut(2, 4, new float[8]);
        Matrix codes = output(DType.U8, 2, 4);
        Matrix losses = output(DType.F32, 1, 2);
        Matrix h = inOut(4, 4, new float[16]);
        Matrix scales = inOut(2, 2, 1, 1, 1, 1);
        Matrix zeros = input(DType.I8, 2, 2, new float[4]);
        Tile pairs = new Tile(1, 2);
        assertRejected(weights, inOut(4, 3, new float[12]), CodeFormat.INT8, pairs, 1, scales, null, codes, 1, losses);
        assertRejected(weights, h, CodeFormat.INT8, new Tile(1, 1), 1, scales, null, codes, 1, losses);
        assertRejected(weights, h, CodeFormat.INT4_OFFSET, pairs, 1, scales, null, codes, 1, losses);
        assertRejected(weights, h, CodeFormat.E4M3, pairs, 1, scales, zeros, codes, 1, losses);
        assertRejected(weights, h, CodeFormat.INT8, pairs, 0, scales, null, codes, 1, losses);
        assertRejected(weights, h, CodeFormat.INT8, pairs, 1, scales, null, codes, -1, losses);
        assertRejected(weights, h, CodeFormat.INT8, pairs, 1, scales, null, codes, 1, output(DType.F32, 1, 3));
    }

    private void assertRejected(
            Matrix weights,
            Matrix h,
            CodeFormat format,
            Tile tile,
            float divisor,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            Matrix codes,
            int sweeps,
            Matrix losses) {
        assertThatThrownBy(() -> new CodeRefinement.Arguments(
                        weights, h, format, tile, ScaleFormat.F32, divisor, scales, zeroPoints, codes, sweeps, losses))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
