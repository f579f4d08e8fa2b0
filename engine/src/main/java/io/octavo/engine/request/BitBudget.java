package io.octavo.engine.request;

import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Scheme;
import java.util.List;
import java.util.stream.Stream;

/**
 * How many bits a weight may have on average, scales included, and what modules may be given within that.
 *
 * @param bits of all modules of decoder layers that the recipe would quantize, those that stay in 16 bits counted with 16
 * @param candidates names of schemes that modules may get besides the recipe's own; {@link #KEPT} leaves a module as it is
 */
public record BitBudget(double bits, List<String> candidates) {

    /** Stands for no quantization. */
    public static final String KEPT = "16";

    /** Bits of a number that is not quantized. */
    public static final int KEPT_BITS = 16;

    public BitBudget {
        if (!(bits > 0 && bits <= KEPT_BITS)) {
            throw new IllegalArgumentException("bits must be above 0 and at most 16: " + bits);
        }
        candidates = List.copyOf(candidates);
    }

    /** Names of all schemes that modules may get, the recipe's own first. */
    public List<String> schemes(String own) {
        return Stream.concat(Stream.of(own), candidates.stream().filter(scheme -> !scheme.equals(KEPT)))
                .distinct()
                .toList();
    }

    /**
     * With the candidates that a scheme usually has: smaller groups and 8 bits for integers of 4 bits, and 16 bits.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code SCHEME_UNKNOWN}
     */
    public static BitBudget of(double bits, String scheme) {
        Scheme base = Scheme.named(scheme);
        boolean fewBits = base.inputs().isEmpty()
                && base.weights().type() instanceof NumberType.IntType integers
                && integers.bits() < Byte.SIZE;
        return new BitBudget(bits, fewBits ? List.of("W4A16_G64", "W4A16_G32", "W8A16_CHANNEL", KEPT) : List.of(KEPT));
    }
}
