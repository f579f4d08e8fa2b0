package io.octavo.engine.calibrate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The smallest and largest numbers that a model showed.
 *
 * @param inputs by Linear module
 * @param channels by Linear module, of each of its input channels; only of modules for which that was asked
 * @param squares by Linear module, E[x²] of each of its input channels; only of modules for which that was asked
 * @param keys by layer, one range a key-value head, after rotation
 * @param values likewise
 */
public record ActivationRanges(
        Map<String, Range> inputs,
        Map<String, List<Range>> channels,
        Map<String, float[]> squares,
        Map<Integer, List<Range>> keys,
        Map<Integer, List<Range>> values) {

    /** Zero is always inside. */
    public record Range(float min, float max) {

        public Range {
            if (!(min <= 0 && max >= 0)) {
                throw new IllegalArgumentException("a range must hold 0: " + min + " to " + max);
            }
        }

        public float absmax() {
            return Math.max(-min, max);
        }

        /** The range that holds both. */
        public Range union(Range other) {
            return new Range(Math.min(min, other.min), Math.max(max, other.max));
        }
    }

    public ActivationRanges {
        inputs = Map.copyOf(inputs);
        channels = Map.copyOf(channels);
        squares = Map.copyOf(squares);
        keys = Map.copyOf(keys);
        values = Map.copyOf(values);
    }

    /** Nothing was observed. */
    public static ActivationRanges none() {
        return new ActivationRanges(Map.of(), Map.of(), Map.of(), Map.of(), Map.of());
    }

    /** The largest magnitude of each input channel of a module whose channels were looked at. */
    public float[] channelMagnitudes(String module) {
        List<Range> ranges = channels.getOrDefault(module, List.of());
        float[] magnitudes = new float[ranges.size()];
        for (int channel = 0; channel < magnitudes.length; channel++) {
            magnitudes[channel] = ranges.get(channel).absmax();
        }
        return magnitudes;
    }

    /** The same once the input channels of a module are divided. */
    public ActivationRanges dividedBy(String module, float[] scales) {
        List<Range> ranges = channels.getOrDefault(module, List.of());
        var divided = new ArrayList<Range>();
        for (int channel = 0; channel < ranges.size(); channel++) {
            Range range = ranges.get(channel);
            divided.add(new Range(range.min() / scales[channel], range.max() / scales[channel]));
        }
        var otherInputs = new HashMap<>(inputs);
        divided.stream().reduce(Range::union).ifPresent(range -> otherInputs.put(module, range));
        var otherChannels = new HashMap<>(channels);
        otherChannels.put(module, divided);
        var otherSquares = new HashMap<>(squares);
        otherSquares.computeIfPresent(module, (name, means) -> {
            float[] dividedMeans = means.clone();
            for (int channel = 0; channel < dividedMeans.length; channel++) {
                dividedMeans[channel] /= scales[channel] * scales[channel];
            }
            return dividedMeans;
        });
        return new ActivationRanges(otherInputs, otherChannels, otherSquares, keys, values);
    }

    /** The same with E[x²] of some modules' input channels. */
    public ActivationRanges withSquares(Map<String, float[]> means) {
        return new ActivationRanges(inputs, channels, means, keys, values);
    }

    /** The same with other ranges of some inputs. */
    ActivationRanges withInputs(Map<String, Range> others) {
        var otherInputs = new HashMap<>(inputs);
        otherInputs.putAll(others);
        return new ActivationRanges(otherInputs, channels, squares, keys, values);
    }

    /** What the inputs of a module showed; empty if the model never ran it. */
    public Optional<Range> input(String module) {
        return Optional.ofNullable(inputs.get(module));
    }
}
