package io.octavo.engine.model;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What architectures of one kind have in common, where their configs do not say it.
 *
 * @param embedding of tokens
 * @param logitSoftcap where the config does not say; 0 for none
 */
record Family(
        Norms norms, MixerReader mixers, FeedForwardReader feedForwards, Embedding embedding, float logitSoftcap) {

    /** Ten times the largest known. */
    private static final int MOST_LAYERS = 2048;

    /** The norms of every layer. */
    interface Norms {
        LayerNorms of(float epsilon);
    }

    /** What the embedding of tokens is, where the config does not say whether it is the output projection too. */
    enum Embedding {
        UNTIED,
        TIED,
        /** And multiplied by the root of its width. */
        TIED_AND_SCALED
    }

    Family(Norms norms, MixerReader mixers, FeedForwardReader feedForwards) {
        this(norms, mixers, feedForwards, Embedding.UNTIED, 0);
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
                embedding == Embedding.TIED_AND_SCALED ? (float) Math.sqrt(hidden) : 1,
                (float) config.positiveOrOff("final_logit_softcapping", logitSoftcap),
                config.flag("tie_word_embeddings", embedding != Embedding.UNTIED),
                layers(config, layerNorms),
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
