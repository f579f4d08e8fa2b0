package io.octavo.engine.modify;

import io.octavo.engine.model.ModelSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Moves outliers of activations into weights (arXiv 2211.10438): what enters a Linear is divided, channel by channel, by a
 * scale that its weight is multiplied with. Beside inputs behind norms it takes those of down and output projections, where
 * values of a key-value head have one scale for all query heads that read them.
 *
 * @param alpha how much of the difficulty moves from activations to weights, 0 to 1; if empty, each input gets that under which
 *     rounding is expected to cost least
 */
public record SmoothQuant(OptionalDouble alpha) implements ChannelModifier {

    /** So that no scale makes numbers vanish. */
    private static final double SMALLEST = 1e-5;

    /** Alphas that are tried: multiples of a twentieth. */
    private static final int STEPS = 20;

    /** Rows of a weight that are looked at to choose alpha. */
    private static final int MOST_ROWS = 512;

    public SmoothQuant {
        alpha.ifPresent(number -> {
            if (!(number >= 0 && number <= 1)) {
                throw new IllegalArgumentException("alpha must be between 0 and 1: " + number);
            }
        });
    }

    /** Each input with the alpha that costs least. */
    public SmoothQuant() {
        this(OptionalDouble.empty());
    }

    public SmoothQuant(double alpha) {
        this(OptionalDouble.of(alpha));
    }

    @Override
    public String name() {
        return "smoothquant";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("alpha", alpha.isPresent() ? alpha.getAsDouble() : "searched");
    }

    @Override
    public Set<String> weighed(ModelSpec spec) {
        return alpha.isPresent() ? Set.of() : ChannelMapping.firstReaders(spec);
    }

    @Override
    public Optional<float[]> scales(ChannelMapping mapping, LinearStatistics statistics) {
        float[] inputs = statistics.inputMagnitudes(mapping.linears().getFirst());
        float[] weights = largest(mapping, statistics);
        mapping.tie(inputs);
        mapping.tie(weights);
        return Optional.of(
                alpha.isPresent()
                        ? scales(inputs, weights, alpha.getAsDouble())
                        : best(mapping, statistics, inputs, weights));
    }

    private static float[] largest(ChannelMapping mapping, LinearStatistics statistics) {
        float[] largest = new float[0];
        for (String module : mapping.linears()) {
            float[] own = statistics.weightMagnitudes(module);
            largest = largest.length == 0 ? own : largest;
            for (int channel = 0; channel < own.length; channel++) {
                largest[channel] = Math.max(largest[channel], own[channel]);
            }
        }
        return largest;
    }

    /** {@code max|X|^alpha / max|W|^(1 - alpha)}; a channel that is always zero on either side stays as it is. */
    private static float[] scales(float[] inputs, float[] weights, double alpha) {
        float[] scales = new float[inputs.length];
        for (int channel = 0; channel < scales.length; channel++) {
            double scale = Math.pow(inputs[channel], alpha) / Math.pow(weights[channel], 1 - alpha);
            boolean dead = inputs[channel] == 0 || weights[channel] == 0;
            scales[channel] = dead ? 1 : (float) Math.clamp(scale, SMALLEST, 1 / SMALLEST);
        }
        return scales;
    }

    private static float[] best(ChannelMapping mapping, LinearStatistics statistics, float[] inputs, float[] weights) {
        var noise = new RoundingNoise(mapping.linears(), statistics, inputs, MOST_ROWS);
        float[] ones = new float[inputs.length];
        Arrays.fill(ones, 1);
        List<float[]> tried = new ArrayList<>(List.of(ones));
        IntStream.rangeClosed(0, STEPS)
                .parallel()
                .mapToObj(step -> scales(inputs, weights, (double) step / STEPS))
                .forEachOrdered(tried::add);
        return Candidates.cheapest(tried, noise::of);
    }
}
