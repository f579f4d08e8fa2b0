package io.octavo.engine.model;

import io.octavo.kernels.operation.GatedActivation;

/** What follows the mixer in a layer. */
public sealed interface FeedForwardSpec {

    /** Width between the projections. */
    int intermediateSize();

    GatedActivation.Function activation();

    /** One gated MLP. */
    record Dense(int intermediateSize, GatedActivation.Function activation, Names names) implements FeedForwardSpec {}

    /**
     * A mixture of experts, each a gated MLP, of which a router chooses some for each token.
     *
     * @param intermediateSize of each expert
     * @param perToken experts that a token goes to
     * @param normalized whether the weights of a token's experts sum to 1
     * @param names {@code block} holds {@code router} and {@code experts}
     */
    record Experts(
            int intermediateSize,
            GatedActivation.Function activation,
            int count,
            int perToken,
            boolean normalized,
            Storage storage,
            Names names)
            implements FeedForwardSpec {

        public static final String ROUTER = "gate";
        public static final String EXPERTS = "experts";
    }

    /** How the experts of a mixture lie in a checkpoint. */
    enum Storage {
        /** A module each: {@code experts.0}, {@code experts.1} ... */
        MODULES,
        /** A tensor {@code [experts, outFeatures, inFeatures]} for each projection. */
        STACKED,
        /** A tensor {@code [experts, inFeatures, outFeatures]} for each projection. */
        STACKED_INPUT_FIRST
    }

    /**
     * Module names of projections. Where gate and up have one name, that module holds the rows of both, gate first.
     *
     * @param block holds the projections, or the experts that hold them
     */
    record Names(String block, String gate, String up, String down) {

        static final Names SEPARATE = new Names("mlp", "gate_proj", "up_proj", "down_proj");
        static final Names FUSED = new Names("mlp", "gate_up_proj", "gate_up_proj", "down_proj");
        static final Names MIXTRAL = new Names("block_sparse_moe", "w1", "w3", "w2");
    }
}
