package io.octavo.engine.modify;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.scheme.Scheme;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class AwqTest {

    private static final int HEADS = 16;
    private static final int COLUMNS = 2 * HEADS;
    private static final int ROWS = 48;

    private static final ModelSpec SPEC = TinySpecs.of("LlamaForCausalLM", "llama", HEADS, HEADS);
    private static final String QUERIES = TinySpecs.LAYER + "self_attn.q_proj";

    private final float[] weights = gaussian(ROWS * COLUMNS);

    private static float[] gaussian(int count) {
        RandomGenerator random = new SplittableRandom(5);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }

    private FakeStatistics statistics(Function<Integer, Float> squares, Optional<Scheme> scheme) {
        float[] byChannel = new float[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            byChannel[i] = squares.apply(i);
        }
        Function<String, float[]> inputs =
                module -> module.endsWith("down_proj") ? new float[] {1, 1, 1, 1} : byChannel;
        return new FakeStatistics(
                inputs, inputs, inputs, module -> module.endsWith("down_proj") ? gaussian(4 * ROWS) : weights, scheme);
    }

    /** What plain rounding to four bits costs, worked out in f64 with a scale a row. */
    private double loss(float[] scales, float[] squares) {
        double loss = 0;
        for (int row = 0; row < ROWS; row++) {
            double absmax = 0;
            for (int column = 0; column < COLUMNS; column++) {
                absmax = Math.max(absmax, Math.abs(weights[row * COLUMNS + column] * scales[column]));
            }
            double step = absmax / 7.5;
            for (int column = 0; column < COLUMNS; column++) {
                double number = weights[row * COLUMNS + column] * scales[column];
                double error = (Math.clamp(Math.rint(number / step), -8, 7) * step - number) / scales[column];
                loss += squares[column] * error * error;
            }
        }
        return loss;
    }

    private static float[] ones() {
        float[] ones = new float[COLUMNS];
        Arrays.fill(ones, 1);
        return ones;
    }

    @Test
    void aChannelWithLargeInputsGetsLargerWeights() {
        FakeStatistics statistics = statistics(i -> i == 3 ? 400f : 1f, Optional.of(Scheme.named("W4A16_CHANNEL")));

        Map<String, ChannelScaling> scalings = new Awq().scalings(SPEC, statistics);

        float[] scales =
                Objects.requireNonNull(scalings.get(QUERIES + ".weight")).columns();
        float[] squares = statistics.inputSquares(QUERIES);
        assertThat(scales[3]).isGreaterThan(1.5f * scales[4]);
        assertThat(loss(scales, squares)).isLessThan(0.8 * loss(ones(), squares));
        float[] inverse = Objects.requireNonNull(scalings.get(TinySpecs.LAYER + "input_layernorm.weight"))
                .columns();
        assertThat(inverse[3]).isEqualTo(1 / scales[3]);
    }

    @Test
    void nothingOfTheGridIsBetterThanWhatItTakes() {
        FakeStatistics statistics =
                statistics(i -> (float) Math.exp(i % 7 - 3.0), Optional.of(Scheme.named("W4A16_CHANNEL")));

        float[] scales = Objects.requireNonNull(
                        new Awq().scalings(SPEC, statistics).get(QUERIES + ".weight"))
                .columns();

        float[] squares = statistics.inputSquares(QUERIES);
        double taken = loss(scales, squares);
        assertThat(taken).isLessThan(loss(ones(), squares));
        for (int step = 1; step <= 20; step++) {
            float[] other = new float[COLUMNS];
            for (int i = 0; i < COLUMNS; i++) {
                other[i] = (float) Math.pow(squares[i], step / 40.0);
            }
            // The rounding of scales to f32, and sums in it.
            assertThat(taken).isLessThanOrEqualTo(loss(other, squares) * (1 + 1e-4));
        }
    }

    @Test
    void whatStaysAsItIsIsNotScaled() {
        assertThat(new Awq().scalings(SPEC, statistics(i -> 1f + i, Optional.empty())))
                .isEmpty();
    }
}
