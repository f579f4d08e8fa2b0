package io.octavo.engine.model;

import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What architectures of one kind have in common. What their configs leave out is told by {@link ConfigDefaults}.
 *
 * @param scaledEmbeddings whether those of tokens are multiplied by the root of their width
 * @param biases empty where the config tells them
 */
record Family(
        Norms norms,
        MixerReader mixers,
        FeedForwardReader feedForwards,
        boolean scaledEmbeddings,
        Optional<Biases> biases) {

    /** Ten times the largest known. */
    private static final int MOST_LAYERS = 2048;

    /** The norms of every layer. */
    interface Norms {
        LayerNorms of(float epsilon);
    }

    Family(Norms norms, MixerReader mixers, FeedForwardReader feedForwards) {
        this(norms, mixers, feedForwards, false, Optional.empty());
    }

    Family withScaledEmbeddings() {
        return new Family(norms, mixers, feedForwards, true, biases);
    }

    Family withBiases(Biases always) {
        return new Family(norms, mixers, feedForwards, scaledEmbeddings, Optional.of(always));
    }

    ModelSpec read(String architecture, ConfigReader config) {
        int hidden = config.dimension("hidden_size");
        LayerNorms layerNorms = norms.of((float) config.positive("rms_norm_eps", 1e-6));
        return new ModelSpec(
                architecture,
                hidden,
                config.dimension("vocab_size"),
                config.dimension("max_position_embeddings", 2048),
                ModelSpec.Names.LLAMA,
                layerNorms.kind(),
                scaledEmbeddings ? (float) Math.sqrt(hidden) : 1,
                (float) config.positive("final_logit_softcapping", 0),
                config.flag("tie_word_embeddings", false),
                layers(config, layerNorms),
                biases.orElseGet(() -> Biases.of(config)),
                config.tokenId("bos_token_id"),
                config.tokenIds("eos_token_id"));
    }

    private List<LayerSpec> layers(ConfigReader config, LayerNorms layerNorms) {
        int count = config.whole("num_hidden_layers", 1, MOST_LAYERS);
        IntFunction<MixerSpec> mixer = mixers.read(config, count);
        IntFunction<FeedForwardSpec> feedForward = feedForwards.read(config);
        return IntStream.range(0, count)
                .mapToObj(layer -> new LayerSpec(
                        "model.layers." + layer, mixer.apply(layer), feedForward.apply(layer), layerNorms))
                .toList();
    }
}
