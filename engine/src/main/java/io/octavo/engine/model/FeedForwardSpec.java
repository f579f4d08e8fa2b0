package io.octavo.engine.model;

/** What follows attention in a layer. */
public sealed interface FeedForwardSpec {

    /** Width between the projections. */
    int intermediateSize();

    /**
     * One gated MLP.
     *
     * @param fusedGateUp one {@code gate_up_proj} (gate rows first) instead of two projections
     */
    record Dense(int intermediateSize, boolean fusedGateUp) implements FeedForwardSpec {}

    /**
     * A mixture of experts, each a gated MLP, of which a router chooses some for each token.
     *
     * @param intermediateSize of each expert
     * @param perToken experts that a token goes to
     * @param normalized whether the weights of a token's experts sum to 1
     */
    record Experts(int intermediateSize, int count, int perToken, boolean normalized, Names names)
            implements FeedForwardSpec {}

    /**
     * Module names of a mixture inside its layer.
     *
     * @param block holds {@code gate}, the router, and {@code experts.0}, {@code experts.1} ...
     * @param gate of an expert, and so {@code up} and {@code down}
     */
    record Names(String block, String gate, String up, String down) {

        static final Names MIXTRAL = new Names("block_sparse_moe", "w1", "w3", "w2");
        static final Names QWEN = new Names("mlp", "gate_proj", "up_proj", "down_proj");
    }
}
