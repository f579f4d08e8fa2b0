package io.octavo.engine.model;

import io.octavo.kernels.operation.GatedActivation;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

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
     * @param names of what the block holds, and of what each expert does
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

        /** Of the module that chooses. */
        public String router() {
            return names.block() + ".gate";
        }

        /** Of one expert's Linear, whether it lies in a module of its own or in a stack. */
        public String module(int expert, String name) {
            return names.block() + ".experts." + expert + "." + name;
        }

        /** Of the tensor that holds a Linear of all experts, if they are stacked. */
        public String stack(String name) {
            return names.block() + ".experts." + name;
        }
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

        /** Each once. */
        public Set<String> projections() {
            return new LinkedHashSet<>(List.of(gate, up, down));
        }
    }
}
