package io.octavo.engine.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a seed makes of a load. */
class LoadTest {

    private static final Lengths SHORT = new Lengths.Uniform(3, 9);

    private static Load load(long seed, Load.Arrival arrival) {
        return new Load(4000, 5, arrival, SHORT, new Lengths.Fixed(7), seed);
    }

    @Test
    void theSameSeedPlansTheSameRequests() {
        var arrival = new Load.Arrival.Poisson(20);
        assertThat(load(1, arrival).planned()).isEqualTo(load(1, arrival).planned());
        assertThat(load(1, arrival).planned()).isNotEqualTo(load(2, arrival).planned());
        assertThat(load(1, arrival).planned().getFirst().prompt(100))
                .isEqualTo(load(1, arrival).planned().getFirst().prompt(100));
        assertThat(load(1, arrival).planned())
                .doesNotContainAnyElementsOf(load(1, arrival).warmUp(0));
        assertThat(load(1, arrival).warmUp(0))
                .hasSize(5)
                .isEqualTo(load(1, arrival).warmUp(0))
                .doesNotContainAnyElementsOf(load(1, arrival).warmUp(1));
    }

    @Test
    void promptsHaveTheirLengthAndTokensOfTheVocabulary() {
        for (Load.Planned planned : load(3, new Load.Arrival.ClosedLoop(2)).planned()) {
            assertThat(planned.prompt(50)).hasSize(planned.promptTokens()).allMatch(token -> token >= 0 && token < 50);
            assertThat(planned.promptTokens()).isBetween(3, 9);
            assertThat(planned.newTokens()).isEqualTo(7);
            assertThat(planned.arrivalNanos()).isZero();
        }
    }

    /** Of 4,000 exponential gaps, mean and share above the mean lie within 5 standard errors of theory. */
    @Test
    void arrivalsOfARateAreAPoissonProcess() {
        List<Load.Planned> planned = load(4, new Load.Arrival.Poisson(20)).planned();
        double[] gaps = IntStream.range(0, planned.size())
                .mapToDouble(i -> (planned.get(i).arrivalNanos()
                                - (i == 0 ? 0 : planned.get(i - 1).arrivalNanos()))
                        / 1e9)
                .toArray();
        assertThat(DoubleStream.of(gaps)).allMatch(gap -> gap >= 0);
        assertThat(planned.getLast().arrivalNanos() / 1e9 / 4000).isCloseTo(0.05, within(5 * 0.05 / Math.sqrt(4000)));
        double longer =
                IntStream.range(0, gaps.length).filter(i -> gaps[i] > 0.05).count() / 4000.0;
        double theory = Math.exp(-1);
        assertThat(longer).isCloseTo(theory, within(5 * Math.sqrt(theory * (1 - theory) / 4000)));
    }

    @Test
    void logNormalLengthsLieAroundTheMedianAndAreCut() {
        var lengths = new Lengths.LogNormal(100, 1, 400);
        var random = new SplittableRandom(5);
        int[] drawn =
                IntStream.range(0, 4000).map(i -> lengths.draw(random)).sorted().toArray();
        assertThat(drawn[0]).isPositive();
        assertThat(drawn[3999]).isEqualTo(400);
        assertThat(drawn[2000]).isBetween(90, 110);
        // A logarithm is above that of 400 with probability 1 - Phi(ln 4) = 0.083.
        long cut = IntStream.of(drawn).filter(length -> length == 400).count();
        assertThat(cut / 4000.0).isCloseTo(0.083, within(0.022));
    }

    @Test
    void uniformLengthsReachBothEnds() {
        var random = new SplittableRandom(6);
        assertThat(IntStream.range(0, 1000)
                        .map(i -> SHORT.draw(random))
                        .distinct()
                        .sorted())
                .containsExactly(3, 4, 5, 6, 7, 8, 9);
    }

    @Test
    void quantilesAreInterpolatedBetweenRanks() {
        var quantiles = ServingFigures.Quantiles.of(IntStream.rangeClosed(1, 11).mapToDouble(i -> 12 - i));
        assertThat(quantiles).isEqualTo(new ServingFigures.Quantiles(6, 6, 10, 10.9));
    }

    @Test
    void loadsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> new Lengths.Uniform(5, 4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Lengths.LogNormal(5, Double.NaN, 9)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Load.Arrival.Poisson(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Load.Arrival.ClosedLoop(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Load(0, 0, new Load.Arrival.ClosedLoop(1), SHORT, SHORT, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
