package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class ExpertRoutingContract extends BackendContract {

    ExpertRoutingContract(IntFunction<Backend> open) {
        super(open);
    }

    private static final class Routes {

        private final int[] chosen;
        private final float[] weights;

        Routes(int[] chosen, float[] weights) {
            this.chosen = chosen;
            this.weights = weights;
        }
    }

    private Routes route(int tokens, int experts, int perToken, boolean normalize, float... logits) {
        Matrix chosen = output(DType.I32, tokens, perToken);
        Matrix weights = output(DType.F32, tokens, perToken);
        backend.operations()
                .expertRouting()
                .route(input(DType.F32, tokens, experts, logits), normalize, chosen, weights, stream);
        return new Routes(readInts(chosen), floats(weights));
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1",
        "1, 2, 1",
        "3, 4, 2",
        "5, 8, 8",
        "7, 15, 3",
        "2, 16, 4",
        "40, 17, 2",
        "300, 128, 8",
        "3, 513, 9",
    })
    void matchesTheDefinition(int tokens, int experts, int perToken) {
        for (double deviation : new double[] {0.01, 1, 20}) {
            float[] logits = gaussian(random(tokens * 31L + experts), tokens * experts, deviation);
            check(tokens, experts, perToken, false, logits);
            check(tokens, experts, perToken, true, logits);
        }
    }

    @Test
    void takesTheFirstOfEqualLogits() {
        Routes routes = route(2, 5, 3, true, 1, 2, 2, 1, 2, -0f, 0f, -0f, 0f, -0f);
        assertThat(routes.chosen).containsExactly(1, 2, 4, 0, 1, 2);
        assertThat(routes.weights).containsOnly(1 / 3f);
    }

    @Test
    void givesExpertsThatAreRuledOutNoWeight() {
        float never = Float.NEGATIVE_INFINITY;
        Routes routes = route(1, 4, 3, true, never, never, 3, never);
        assertThat(routes.chosen).containsExactly(2, 0, 1);
        assertThat(routes.weights).containsExactly(1, 0, 0);
    }

    @Test
    void choosesTheFirstExpertsWithoutAWeightWhereTheSoftmaxIsUndefined() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            for (int at = 0; at < 5; at++) {
                float[] logits = {0, 1, 2, 3, 4, 5, 4, 3, 2, 1};
                logits[at] = bad;
                Routes routes = route(2, 5, 2, at % 2 == 0, logits);
                assertThat(routes.chosen).containsExactly(0, 1, 0, 1);
                assertThat(Arrays.copyOf(routes.weights, 2)).containsOnly(Float.NaN);
                assertThat(Arrays.copyOfRange(routes.weights, 2, 4)).doesNotContain(Float.NaN);
            }
        }
        float[] nothing = new float[5];
        Arrays.fill(nothing, Float.NEGATIVE_INFINITY);
        assertThat(route(1, 5, 2, true, nothing).weights).containsOnly(Float.NaN);
    }

    @Test
    void rejectsMoreChoicesThanExperts() {
        assertThatThrownBy(() -> route(1, 2, 3, true, 1, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("chosen has 3 columns; allowed: 1 to the 2 experts");
    }

    /**
     * exp is good to 2 ulp, and its argument is rounded once before; the sums are in f64, or in f32 with one rounding a
     * term at worst.
     */
    private void check(int tokens, int experts, int perToken, boolean normalize, float... logits) {
        Routes actual = route(tokens, experts, perToken, normalize, logits);
        for (int t = 0; t < tokens; t++) {
            int row = t * experts;
            int[] order = IntStream.range(0, experts)
                    .boxed()
                    .sorted(Comparator.comparingDouble(e -> -logits[row + e]))
                    .mapToInt(Integer::intValue)
                    .toArray();
            double max = logits[row + order[0]];
            double sum = Arrays.stream(order)
                    .limit(normalize ? perToken : experts)
                    .mapToDouble(e -> Math.exp(logits[row + e] - max))
                    .sum();
            for (int j = 0; j < perToken; j++) {
                double distance = max - logits[row + order[j]];
                double expected = Math.exp(-distance) / sum;
                double tolerance = expected * (experts + 8 + distance) * ROUNDING + Float.MIN_NORMAL;
                assertThat(actual.chosen[t * perToken + j]).isEqualTo(order[j]);
                assertWithin(actual.weights[t * perToken + j], expected, tolerance, "token, choice", t, j);
            }
        }
    }
}
