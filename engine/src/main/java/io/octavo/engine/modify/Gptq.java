package io.octavo.engine.modify;

import java.util.Map;

/**
 * Solves codes one column after the other, where later columns make up for the errors of earlier ones (arXiv 2210.17323).
 *
 * @param dampening what is added to the diagonal of the inputs' second moments, as a share of its mean; above 0
 * @param actOrder whether columns are solved from those with the largest inputs on; groups stay where they are
 * @param searchScales whether scales are those that rounding costs least under, or those of the largest numbers
 * @param refine whether codes and scales are improved in turn afterwards, under the same second moments
 * @param propagateError whether each layer sees what solved layers before it give, or what the original ones do
 * @param matchOriginals whether each Linear is to give what the original one gives in the original model, so that it makes up
 *     for errors of its own inputs, Linears of a layer being solved one after the other; or what the original one gives on the
 *     inputs that it sees (GPTAQ, arXiv 2504.02692). Without {@code propagateError} there is nothing to make up for
 */
public record Gptq(
        double dampening,
        boolean actOrder,
        boolean searchScales,
        boolean refine,
        boolean propagateError,
        boolean matchOriginals)
        implements Modifier {

    /** As everybody takes it. */
    public static final double DEFAULT_DAMPENING = 0.01;

    public Gptq {
        if (!(dampening > 0 && dampening <= 1)) {
            throw new IllegalArgumentException("dampening must be above 0 and at most 1: " + dampening);
        }
    }

    /** The settings that give the best files. */
    public Gptq() {
        this(DEFAULT_DAMPENING, true, true, true, true, true);
    }

    /** Whether the original model runs beside the one that is solved. */
    public boolean runsOriginals() {
        return propagateError && matchOriginals;
    }

    @Override
    public String name() {
        return "gptq";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of(
                "dampening", dampening,
                "actOrder", actOrder,
                "searchScales", searchScales,
                "refine", refine,
                "propagateError", propagateError,
                "matchOriginals", matchOriginals);
    }
}
