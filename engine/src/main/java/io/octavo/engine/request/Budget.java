package io.octavo.engine.request;

import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.NumberType.IntType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.engine.scheme.Scheme;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What modules may be given besides a recipe's own scheme, and within which limit.
 *
 * @param candidates names of schemes that modules may get besides the recipe's own; {@link #KEPT} leaves a module as it is
 */
public record Budget(Limit limit, List<String> candidates) {

    /** Stands for no quantization. */
    public static final String KEPT = "16";

    /** Bits of a number that is not quantized. */
    public static final int KEPT_BITS = 16;

    /** What is not to be exceeded. */
    public sealed interface Limit {

        /** For people. */
        String text();
    }

    /**
     * How many bits a weight may have on average, scales included: as little as possible is lost within them.
     *
     * @param bits of all modules of decoder layers that the recipe would quantize, those that stay in 16 bits counted with 16
     */
    public record Bits(double bits) implements Limit {

        public Bits {
            if (!(bits > 0 && bits <= KEPT_BITS)) {
                throw new IllegalArgumentException("bits must be above 0 and at most 16: " + bits);
            }
        }

        @Override
        public String text() {
            return bits + " bits a weight";
        }
    }

    /**
     * How many times the original model's perplexity the quantized one may have: as few bytes as possible are spent for it.
     *
     * @param ratio measured on the texts of the calibration
     */
    public record PerplexityRatio(double ratio) implements Limit {

        public PerplexityRatio {
            if (!(ratio >= 1 && ratio <= 100)) {
                throw new IllegalArgumentException("a ratio of perplexities must be from 1 to 100: " + ratio);
            }
        }

        @Override
        public String text() {
            return ratio + " times the perplexity";
        }
    }

    public Budget {
        candidates = List.copyOf(candidates);
    }

    /** Names of all schemes that modules may get, the recipe's own first. */
    public List<String> schemes(String own) {
        return Stream.concat(Stream.of(own), candidates.stream().filter(scheme -> !scheme.equals(KEPT)))
                .distinct()
                .toList();
    }

    /**
     * With the candidates that a scheme usually has, and 16 bits. Those that differ in their inputs alone are among them only
     * where inputs count.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code SCHEME_UNKNOWN}
     */
    public static Budget of(Limit limit, String scheme) {
        Scheme base = Scheme.named(scheme);
        List<String> higher = switch (limit) {
            case Bits bits -> moreBits(base);
            case PerplexityRatio ratio -> higher(base);
        };
        return new Budget(limit, Stream.concat(higher.stream(), Stream.of(KEPT)).toList());
    }

    /** Smaller groups and 8 bits for integers of 4. */
    private static List<String> moreBits(Scheme base) {
        boolean fewBits = base.inputs().isEmpty()
                && base.weights().type() instanceof IntType integers
                && integers.bits() < Byte.SIZE;
        return fewBits ? List.of("W4A16_G64", "W4A16_G32", "W8A16_CHANNEL") : List.of();
    }

    /**
     * The same; for inputs in 8-bit integers a scale a token, floats, which hold outliers and what they are multiplied by, and 16
     * bits; for 4-bit floats those of 8 bits.
     */
    private static List<String> higher(Scheme base) {
        Optional<Quantization> inputs = base.inputs();
        boolean integers = inputs.filter(type -> type.type() instanceof IntType).isPresent();
        if (integers) {
            return inputs.get().isCalibrated()
                    ? List.of("W8A8", "FP8_DYNAMIC", "W8A16_CHANNEL")
                    : List.of("FP8_DYNAMIC", "W8A16_CHANNEL");
        }
        if (base.weights().type() != FloatType.E2M1) {
            return moreBits(base);
        }
        boolean powers = base.weights().scaleType() == ScaleType.E8M0;
        return List.of(inputs.isEmpty() ? "W8A16_CHANNEL" : powers ? "MXFP8" : "FP8_DYNAMIC");
    }
}
