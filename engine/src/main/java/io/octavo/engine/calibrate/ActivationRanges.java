package io.octavo.engine.calibrate;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The smallest and largest numbers that a model showed.
 *
 * @param inputs by Linear module
 * @param keys by layer, one range a key-value head, after rotation
 * @param values likewise
 */
public record ActivationRanges(
        Map<String, Range> inputs, Map<Integer, List<Range>> keys, Map<Integer, List<Range>> values) {

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
        keys = Map.copyOf(keys);
        values = Map.copyOf(values);
    }

    /** Nothing was observed. */
    public static ActivationRanges none() {
        return new ActivationRanges(Map.of(), Map.of(), Map.of());
    }

    /** What the inputs of a module showed; empty if the model never ran it. */
    public Optional<Range> input(String module) {
        return Optional.ofNullable(inputs.get(module));
    }
}
