package io.octavo.engine.solve.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SearchedScalesTest {

    /** What is not tried between the steps of a coarse sweep costs so much at most; 1 where every scale is tried. */
    private static final double COARSE = 1.1;

    private static final int ROWS = 67;

    static Stream<Arguments> formats() {
        return Stream.of(DType.BF16, DType.F16, DType.F32)
                .flatMap(dtype -> Stream.of(
                                Scheme.named("W4A16_G32").weights(),
                                Scheme.named("W4A16_ASYM_G32").weights(),
                                Scheme.named("W4A16_CHANNEL").weights(),
                                Scheme.named("W8A16_CHANNEL").weights(),
                                Scheme.named("FP8_DYNAMIC").weights(),
                                Scheme.named("NVFP4").weights(),
                                Scheme.named("MXFP4").weights(),
                                Scheme.named("MXFP8").weights(),
                                Quantization.stored(
                                        Scheme.named("FP8").weights().type(), new Granularity.PerBlock(32, 32)))
                        .map(weights -> Arguments.of(weights, dtype)));
    }

    private static final int COLUMNS = 64;

    private final RandomGenerator random = new SplittableRandom(7);

    private float[] weights() {
        float[] weights = new float[ROWS * COLUMNS];
        for (int i = 0; i < weights.length; i++) {
            boolean outlier = random.nextInt(50) == 0;
            weights[i] = (float) (random.nextGaussian() * (outlier ? 0.2 : 0.05));
        }
        Arrays.fill(weights, 5 * COLUMNS, 6 * COLUMNS, 0);
        return weights;
    }

    private float[] importance() {
        float[] importance = new float[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            importance[i] = (float) Math.exp(2 * random.nextGaussian());
        }
        return importance;
    }

    private static WeightFormat format(Quantization weights, DType dtype, float[] numbers) {
        float absmax = 0;
        for (float number : numbers) {
            absmax = Math.max(absmax, Math.abs(number));
        }
        return new WeightFormat(weights, dtype, COLUMNS, absmax);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void noTileIsWorseThanPlainRoundingAndAllAreNearTheBest(Quantization quantization, DType dtype) {
        float[] weights = weights();
        float[] importance = importance();
        WeightFormat format = format(quantization, dtype, weights);
        var slow = new SlowScaleSearch(weights, importance, format);

        TileScales plain = new RangeScales().choose(weights, format);
        TileScales found = new SearchedScales().choose(weights, importance, format);

        double best = 0;
        double reached = 0;
        for (int tile = 0; tile < found.scales().length; tile++) {
            double loss = slow.loss(tile, found.scales()[tile], found.zeroPoint(tile));
            assertThat(loss).isLessThanOrEqualTo(slow.loss(tile, plain.scales()[tile], plain.zeroPoint(tile)));
            reached += loss;
            best += slow.least(tile, plain.scales()[tile]);
        }
        boolean every = Reaches.of(format).stride() == 1;
        assertThat(reached).isLessThanOrEqualTo(best * (every ? 1 + 0x1p-11 : COARSE));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void everyScaleIsANumberOfItsTypeAndEveryZeroPointACode(Quantization quantization, DType dtype) {
        float[] weights = weights();
        WeightFormat format = format(quantization, dtype, weights);

        TileScales found = new SearchedScales().choose(weights, importance(), format);

        for (float scale : found.scales()) {
            assertThat(format.stored(scale / format.divisor())).isEqualTo(scale);
        }
        for (byte zeroPoint : found.zeroPoints()) {
            assertThat((int) zeroPoint).isBetween((int) format.codes().lowest(), (int)
                    format.codes().highest());
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void rowsOfTilesAreChosenAlikeWhateverLiesBesideThem(Quantization quantization, DType dtype) {
        float[] weights = weights();
        float[] importance = importance();
        WeightFormat format = format(quantization, dtype, weights);
        int height = Math.min(format.tileRows(), ROWS);

        TileScales whole = new SearchedScales().choose(weights, importance, format);
        TileScales first = new SearchedScales().choose(Arrays.copyOf(weights, height * COLUMNS), importance, format);

        assertThat(first.scales()).containsExactly(Arrays.copyOf(whole.scales(), first.scales().length));
        assertThat(first.zeroPoints()).containsExactly(Arrays.copyOf(whole.zeroPoints(), first.zeroPoints().length));
    }

    @Test
    void aScaleOfAWholeTensorStays() {
        float[] weights = weights();
        WeightFormat format = format(Scheme.named("FP8").weights(), DType.BF16, weights);

        assertThat(new SearchedScales().choose(weights, importance(), format).scales())
                .containsExactly(new RangeScales().choose(weights, format).scales());
    }

    @Test
    void theLargestNumberOfABlockMayBecomeFourInsteadOfSix() {
        float[] block = new float[16];
        Arrays.fill(block, 0.75f);
        block[3] = 1;
        // The tensor's largest magnitude lies elsewhere, so that the block's scale has room.
        var format = new WeightFormat(Scheme.named("NVFP4").weights(), DType.F32, 16, 2688 / 64f);

        float plain = new RangeScales().choose(block, format).scales()[0];
        float found = new SearchedScales().choose(block, alike(16), format).scales()[0];

        assertThat(plain / format.divisor()).isCloseTo(1 / 6f, withPercentage(6));
        assertThat(found / format.divisor()).isEqualTo(0.25f);
    }

    @Test
    void aChannelThatIsAlwaysZeroDoesNotHoldAScaleUp() {
        float[] row = new float[32];
        for (int i = 0; i < row.length; i++) {
            row[i] = i == 7 ? 100 : (i % 8) - 3.5f;
        }
        float[] importance = new float[32];
        Arrays.fill(importance, 1);
        importance[7] = 0;
        var format = new WeightFormat(Scheme.named("W4A16_G32").weights(), DType.F32, 32, 100);

        float found = new SearchedScales().choose(row, importance, format).scales()[0];

        assertThat(found).isLessThan(8);
    }

    private static float[] alike(int columns) {
        float[] importance = new float[columns];
        Arrays.fill(importance, 1);
        return importance;
    }
}
