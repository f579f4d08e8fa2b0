package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.FeedForwardSpec.Names;
import io.octavo.engine.model.FeedForwardSpec.Storage;
import io.octavo.kernels.operation.GatedActivation.Function;
import java.util.List;
import java.util.function.IntFunction;

/** Reads the feed-forward blocks of a config's layers: dense ones and mixtures of experts. */
interface FeedForwardReader {

    /** Ten times the largest known. */
    int MOST_EXPERTS = 4096;

    /** @return the block of each layer, by its number */
    IntFunction<FeedForwardSpec> read(ConfigReader config);

    static FeedForwardReader dense(Names names) {
        return config -> {
            FeedForwardSpec block = dense(config, names);
            return layer -> block;
        };
    }

    private static FeedForwardSpec dense(ConfigReader config, Names names) {
        return new FeedForwardSpec.Dense(config.dimension("intermediate_size"), activation(config), names);
    }

    static IntFunction<FeedForwardSpec> mixtral(ConfigReader config) {
        FeedForwardSpec experts = experts(config, config.dimension("intermediate_size"), true, Names.MIXTRAL);
        return layer -> experts;
    }

    /** Every {@code decoder_sparse_step}-th layer has experts, except those in {@code mlp_only_layers}. */
    static IntFunction<FeedForwardSpec> qwen3Moe(ConfigReader config) {
        FeedForwardSpec experts = experts(
                config,
                config.dimension("moe_intermediate_size"),
                config.flag("norm_topk_prob", false),
                Names.SEPARATE);
        FeedForwardSpec dense = dense(config, Names.SEPARATE);
        int step = config.dimension("decoder_sparse_step", 1);
        List<Integer> denseLayers = config.indices("mlp_only_layers");
        return layer -> (layer + 1) % step == 0 && !denseLayers.contains(layer) ? experts : dense;
    }

    private static FeedForwardSpec experts(ConfigReader config, int intermediateSize, boolean normalized, Names names) {
        String key = config.has("num_local_experts") ? "num_local_experts" : "num_experts";
        int count = config.whole(key, 1, MOST_EXPERTS);
        int perToken = config.whole("num_experts_per_tok", 1, count);
        return new FeedForwardSpec.Experts(
                intermediateSize, activation(config), count, perToken, normalized, Storage.MODULES, names);
    }

    private static Function activation(ConfigReader config) {
        String name = config.text("hidden_activation", config.text("hidden_act", "silu"));
        return switch (name) {
            case "silu", "swish" -> Function.SILU;
            case "gelu_pytorch_tanh" -> Function.GELU_TANH;
            default ->
                throw new QuantizationException(
                        ErrorCode.ARCHITECTURE_UNSUPPORTED,
                        "config.json: activation " + name + " cannot be run; known: silu, gelu_pytorch_tanh");
        };
    }
}
