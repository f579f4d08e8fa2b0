package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.ScaleFormat;
import io.octavo.kernels.quantization.QuantizeTiles.Tile;
import io.octavo.kernels.quantization.ScaleSearch;
import io.octavo.kernels.quantization.ScaleSearch.Reach;
import io.octavo.kernels.quantization.Scaling;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

abstract class ScaleSearchContract extends BackendContract {

    private static final int ROWS = 35;

    ScaleSearchContract(IntFunction<Backend> open) {
        super(open);
    }

    /** What is searched, and what was found. */
    final class Search {

        final int columns;
        final Tile tile;
        final CodeFormat format;
        final ScaleFormat scaleFormat;
        final boolean shifts;
        final int groups;
        final int tilesDown;
        final float[] importance;
        float[] weights;
        DType type = DType.BF16;
        float[] scales = {};
        float[] zeroPoints = {};
        byte[] codes = {};

        Search(int columns, Tile tile, CodeFormat format, ScaleFormat scaleFormat, boolean shifts) {
            this.columns = columns;
            this.tile = tile;
            this.format = format;
            this.scaleFormat = scaleFormat;
            this.shifts = shifts;
            groups = (int) Math.ceilDiv(columns, tile.columns());
            tilesDown = (int) Math.ceilDiv(ROWS, tile.rows());
            RandomGenerator random = random(columns + tile.columns());
            weights = gaussian(random, ROWS * columns, 0.02);
            importance = new float[columns];
            for (int i = 0; i < columns; i++) {
                importance[i] = (float) Math.exp(2 * random.nextGaussian());
                // A column that is always zero, and in the first row a group.
                weights[i * ROWS] = 0;
                weights[i] = i < tile.columns() ? 0 : weights[i];
            }
        }

        float divisor() {
            return scaleFormat == ScaleFormat.E4M3 ? 3000 : 1;
        }

        float codeDivisor() {
            return format.isInteger() ? format.highest() + 0.5f : format.highest();
        }

        void run(@Nullable Reach reach) {
            Matrix typed = input(type, ROWS, columns, weights);
            Matrix found = output(DType.F32, tilesDown, groups);
            Matrix zeros = output(DType.I8, tilesDown, groups);
            Matrix nearest = output(DType.U8, ROWS, format.rowBytes(columns));
            backend.operations()
                    .scaleSearch()
                    .search(
                            new ScaleSearch.Arguments(
                                    typed,
                                    input(DType.F32, 1, columns, importance),
                                    format,
                                    tile,
                                    0,
                                    codeDivisor(),
                                    scaleFormat,
                                    divisor(),
                                    reach,
                                    found,
                                    shifts ? zeros : null,
                                    nearest),
                            stream);
            weights = floats(typed);
            scales = floats(found);
            zeroPoints = shifts ? floats(zeros) : new float[scales.length];
            codes = bytes(nearest);
        }

        private int tileAt(int row, int column) {
            return (int) (row / tile.rows() * groups + column / tile.columns());
        }

        void checkCodes() {
            for (int row = 0; row < ROWS; row++) {
                for (int column = 0; column < columns; column++) {
                    int at = tileAt(row, column);
                    var scale = new TileOracle.Scale(scales[at], scales[at] * (1 / divisor()), (int) zeroPoints[at]);
                    assertThat(TileOracle.stored(codes, (int) format.rowBytes(columns), row, column, format))
                            .as("row %d, column %d", row, column)
                            .isEqualTo(TileOracle.code(weights[row * columns + column], scale, format));
                }
            }
        }

        /** What a tile costs, in f64. */
        double loss(int tileRow, int group, float stored, int zeroPoint) {
            var scale = new TileOracle.Scale(stored, stored / divisor(), zeroPoint);
            double loss = 0;
            for (int row = tileRow * (int) Math.min(tile.rows(), ROWS);
                    row < Math.min(ROWS, (tileRow + 1L) * tile.rows());
                    row++) {
                int left = (int) (group * tile.columns());
                for (int column = left; column < Math.min(columns, left + tile.columns()); column++) {
                    float weight = weights[row * columns + column];
                    double number =
                            TileOracle.number(TileOracle.code(weight, scale, format), format) - (double) zeroPoint;
                    double error = number * scale.scale() - weight;
                    loss += importance[column] * error * error;
                }
            }
            return loss;
        }
    }

    private static ScaleFormat[] scalesOf(CodeFormat format) {
        return switch (format) {
            case E2M1 -> new ScaleFormat[] {ScaleFormat.E4M3, ScaleFormat.E8M0};
            case E4M3 -> new ScaleFormat[] {ScaleFormat.E8M0, ScaleFormat.F32};
            case INT8 -> new ScaleFormat[] {ScaleFormat.F16};
            case INT8_OFFSET, INT4_OFFSET -> new ScaleFormat[] {ScaleFormat.BF16};
        };
    }

    private static Reach reachOf(ScaleFormat format) {
        int octave = format.perOctave();
        return octave < 128 ? new Reach(octave, octave, 1, 1) : new Reach(octave, octave / 8, octave / 16, octave / 64);
    }

    /** No scale that a search begins with costs less, but for what it takes for no gain. */
    @ParameterizedTest
    @EnumSource
    void nothingThatIsTriedFirstCostsLess(CodeFormat format) {
        for (ScaleFormat scaleFormat : scalesOf(format)) {
            for (Tile tile : new Tile[] {new Tile(1, 16), new Tile(1, 50), new Tile(7, 64), new Tile(1, 4096)}) {
                var search = new Search(150, tile, format, scaleFormat, false);
                search.run(null);
                float[] plain = search.scales;
                Reach reach = reachOf(scaleFormat);
                search.run(reach);
                search.checkCodes();
                for (int at = 0; at < plain.length; at++) {
                    int group = at % search.groups;
                    double found = search.loss(at / search.groups, group, search.scales[at], 0);
                    int rung = scaleFormat.rung(plain[at]);
                    for (int by = -reach.below(); by <= reach.above(); by += reach.stride()) {
                        double other = search.loss(at / search.groups, group, scaleFormat.scale(rung + by), 0);
                        assertThat(found).isLessThanOrEqualTo(other * (1 + 0x1p-11));
                    }
                }
            }
        }
    }

    /** Rounding included: what one backend finds, all do. */
    @ParameterizedTest
    @EnumSource
    void findsWhatTheScalarBackendFinds(CodeFormat format) {
        for (ScaleFormat scaleFormat : scalesOf(format)) {
            for (boolean shifts : new boolean[] {false, format.isInteger()}) {
                for (int columns : new int[] {2, 130, 600, 1100}) {
                    for (Tile tile : new Tile[] {
                        new Tile(1, 16), new Tile(1, 128), new Tile(1, 300), new Tile(5, 64), new Tile(1, 4096)
                    }) {
                        var own = new Search(columns, tile, format, scaleFormat, shifts);
                        own.run(reachOf(scaleFormat));
                        own.checkCodes();
                        var scalar = new ScaleSearchContract(threads -> Backends.scalar()) {};
                        var other = scalar.new Search(columns, tile, format, scaleFormat, shifts);
                        other.run(reachOf(scaleFormat));
                        scalar.guardsAreUntouchedAndAllIsReleased();
                        assertThat(own.scales).as("%s of %d", tile, columns).isEqualTo(other.scales);
                        assertThat(own.zeroPoints).as("%s of %d", tile, columns).isEqualTo(other.zeroPoints);
                        assertThat(own.codes).isEqualTo(other.codes);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"INT4_OFFSET,BF16,false", "INT8_OFFSET,F16,true", "E4M3,F32,false", "E2M1,E8M0,false", "E2M1,E4M3,false"
    })
    void withoutReachScalesAreThoseOfTheLargestNumbers(CodeFormat format, ScaleFormat scaleFormat, boolean shifts) {
        var search = new Search(96, new Tile(1, 32), format, scaleFormat, shifts);
        search.type = DType.F32;
        search.run(null);
        Scaling scaling = shifts
                ? new Scaling.Range()
                : switch (scaleFormat) {
                    case E8M0 -> new Scaling.PowerOfTwo(2);
                    case E4M3 -> new Scaling.Relative(search.codeDivisor(), search.divisor());
                    case BF16, F16, F32 -> new Scaling.Absmax(search.codeDivisor());
                };
        DType type =
                scaleFormat == ScaleFormat.BF16 ? DType.BF16 : scaleFormat == ScaleFormat.F16 ? DType.F16 : DType.F32;
        for (int at = 0; at < search.scales.length; at++) {
            float[] numbers = new float[32];
            System.arraycopy(search.weights, at / 3 * 96 + at % 3 * 32, numbers, 0, 32);
            TileOracle.Scale scale = TileOracle.scale(numbers, format, scaling, type);
            assertThat(search.scales[at]).isEqualTo(scaleFormat == ScaleFormat.E8M0 ? scale.scale() : scale.stored());
            assertThat((int) search.zeroPoints[at]).isEqualTo(scale.zeroPoint());
        }
        search.checkCodes();
    }

    @Test
    void rejectsOperandsThatDoNotFit() {
        Matrix weights = inOut(2, 4, new float[8]);
        Matrix importance = inOut(1, 4, new float[4]);
        Matrix scales = inOut(2, 2, new float[4]);
        Matrix zeros = output(DType.I8, 2, 2);
        Reach reach = new Reach(1, 1, 1, 1);
        assertRejected(weights, inOut(1, 3, new float[3]), CodeFormat.INT8, 2, 0, reach, scales, null, null);
        assertRejected(weights, importance, CodeFormat.INT8, 3, -1, reach, scales, null, null);
        assertRejected(weights, importance, CodeFormat.INT8, 1, 0, reach, scales, null, null);
        assertRejected(weights, importance, CodeFormat.E4M3, 2, 0, reach, scales, zeros, null);
        assertRejected(weights, importance, CodeFormat.INT8, 2, 1, reach, scales, null, null);
        assertRejected(weights, importance, CodeFormat.INT8, 2, 0, reach, scales, null, output(DType.U8, 2, 2));
        assertThatThrownBy(() -> new Reach(1, 1, 0, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    private void assertRejected(
            Matrix weights,
            Matrix importance,
            CodeFormat format,
            int width,
            float absmax,
            Reach reach,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            @Nullable Matrix codes) {
        assertThatThrownBy(() -> new ScaleSearch.Arguments(
                        weights,
                        importance,
                        format,
                        new Tile(1, width),
                        absmax,
                        7.5f,
                        ScaleFormat.F32,
                        1,
                        reach,
                        scales,
                        zeroPoints,
                        codes))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
