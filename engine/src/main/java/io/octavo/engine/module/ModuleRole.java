package io.octavo.engine.module;

import io.octavo.engine.module.Projections.Part;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * What a module with a weight is to its model: whether it is quantized, what loaders fuse it with, how it is cut over
 * GPUs. Told from its name, its weight's shape and the config alone, so that it works for architectures that the engine
 * cannot run.
 *
 * <p>This and {@link Projections} are the one table of roles: names of what is quantized stand there, names of what is
 * left alone in {@link KeptNames}.
 */
public enum ModuleRole {
    QUERY(Cut.HEADS),
    KEY(Cut.KEY_HEADS),
    VALUE(Cut.KEY_HEADS),
    /** Query, key and value in one matrix on disk. */
    QUERY_KEY_VALUE(Cut.HEADS),
    ATTENTION_OUTPUT(Cut.INPUT),
    GATE(Cut.OUTPUT),
    UP(Cut.OUTPUT),
    /** Gate and up in one matrix on disk. */
    GATE_UP(Cut.OUTPUT_HALVES),
    DOWN(Cut.INPUT),
    /** Down to the latent space of multi-head latent attention: every GPU holds all of it. */
    LATENT_QUERY(Cut.NONE),
    LATENT_KEY_VALUE(Cut.NONE),
    /** What a recurrent mixer multiplies its inputs by, in parts that loaders fuse. */
    MIXER_INPUT(Cut.NONE),
    MIXER_GATE(Cut.NONE),
    MIXER_DECAY(Cut.NONE),
    MIXER_STEP(Cut.NONE),
    /** Any other matrix {@code [outFeatures, inFeatures]} of a known name. */
    PROJECTION(Cut.NONE),
    /** A matrix of a name that no row of the table has: quantized, and told in the plan. */
    UNKNOWN(Cut.NONE),
    OUTPUT_HEAD("output head", true),
    ROUTER("router of a mixture of experts", true),
    INDEXER("indexer of sparse attention, which loaders keep as it is", true),
    COEFFICIENTS("coefficients that mix a few hidden states", true),
    SHARED("block that several layers share, of which loaders share the weights and not the scales", true),
    TOWER("vision or audio tower, or its projector", true),
    EXTRA_PREDICTION("multi-token prediction head", true),
    EMBEDDING("embedding", false),
    NORM("norm", false),
    TRANSPOSED("weight that lies as [inFeatures, outFeatures], which loaders do not take quantized", false),
    OTHER("its weight is no matrix", false);

    /** How loaders cut a weight {@code [outFeatures, inFeatures]} over GPUs. */
    public enum Cut {
        /** Output features, as many heads to each. */
        HEADS,
        /** Output features, as many key-value heads to each; heads that are fewer than the GPUs are copied. */
        KEY_HEADS,
        OUTPUT,
        /** Both halves of the output features. */
        OUTPUT_HALVES,
        INPUT,
        /** Copied, or not known. */
        NONE
    }

    private final String reason;
    private final boolean linear;
    private final Cut cut;

    ModuleRole(Cut cut) {
        this.reason = "";
        this.linear = true;
        this.cut = cut;
    }

    ModuleRole(String reason, boolean linear) {
        this.reason = reason;
        this.linear = linear;
        this.cut = Cut.NONE;
    }

    /** Whether modules of this role are quantized unless a request says otherwise. */
    public boolean isQuantized() {
        return reason.isEmpty();
    }

    /** Why a module of this role is left alone; empty where it is quantized. */
    public String reason() {
        return reason;
    }

    /** Whether loaders take the module for a Linear, so that a checkpoint which leaves it alone must say so. */
    public boolean isLinear() {
        return linear;
    }

    public Cut cut() {
        return cut;
    }

    /** Whether several projections lie in one matrix on disk. */
    public boolean isFusedOnDisk() {
        return this == QUERY_KEY_VALUE || this == GATE_UP;
    }

    /**
     * Modules that loaders join with this one, itself included: all of them must be stored alike.
     *
     * @param module name without {@code .weight}
     * @return empty for modules that stay alone
     */
    public static List<String> fusedWith(String module) {
        String parent = module.substring(0, module.lastIndexOf('.') + 1);
        return Projections.fusedWith(module.substring(parent.length())).stream()
                .map(part -> parent + part)
                .toList();
    }

    /** What a module's name alone says of a projection; {@link #UNKNOWN} for every other. */
    public static ModuleRole named(String module) {
        return Projections.named(module.substring(module.lastIndexOf('.') + 1))
                .map(Part::role)
                .orElse(UNKNOWN);
    }

    /**
     * @param module name without {@code .weight}
     * @param shape of its weight
     * @param config the root of config.json
     */
    public static ModuleRole of(String module, List<Long> shape, JsonNode config) {
        List<String> segments = segments(module);
        String last = segments.getLast();
        if (KeptNames.isNorm(segments)) {
            return NORM;
        }
        if (shape.size() != 2) {
            return OTHER;
        }
        if (KeptNames.isTower(segments) || isTowerOfLoaders(module, config)) {
            return TOWER;
        }
        var dimensions = new ModelDimensions(config);
        if (KeptNames.isExtraPrediction(segments) || dimensions.isPastTheLayers(segments)) {
            return EXTRA_PREDICTION;
        }
        if (KeptNames.isOutputHead(segments)) {
            return OUTPUT_HEAD;
        }
        if (KeptNames.isEmbedding(
                KeptNames.isNumber(last) && segments.size() > 1 ? segments.get(segments.size() - 2) : last)) {
            return EMBEDDING;
        }
        if (KeptNames.areCoefficients(last)) {
            return COEFFICIENTS;
        }
        if (KeptNames.isRouter(segments)) {
            return ROUTER;
        }
        if (KeptNames.isShared(segments)) {
            return SHARED;
        }
        if (KeptNames.isIndexer(segments)) {
            return INDEXER;
        }
        if (KeptNames.isTransposed(last, config)) {
            return TRANSPOSED;
        }
        ModuleRole role = named(last);
        return role == UNKNOWN ? dimensions.role(shape) : role;
    }

    private static List<String> segments(String module) {
        return List.of(module.toLowerCase(Locale.ROOT).split("\\.", -1));
    }

    /** Whether loaders put a module into a tower that the checkpoint does not name. */
    private static boolean isTowerOfLoaders(String module, JsonNode config) {
        return TransformersFamilies.renamed(module, TransformersFamilies.renames(config))
                .anyMatch(name -> KeptNames.isTower(segments(name)));
    }
}
