package io.octavo.engine.model;

import java.util.List;
import java.util.OptionalInt;

/**
 * A decoder-only architecture as data.
 *
 * @param norm before the output projection
 * @param embeddingMultiplier applied to token embeddings
 * @param logitSoftcap tanh cap of the logits, 0 for none
 * @param tiedEmbeddings the token embedding is the output projection too
 * @param bosTokenId put before every text; absent where the model has none
 * @param eosTokenIds generation ends at any of them
 */
public record ModelSpec(
        String architecture,
        int hiddenSize,
        int vocabularySize,
        int maxPositions,
        Names names,
        NormSpec norm,
        float embeddingMultiplier,
        float logitSoftcap,
        boolean tiedEmbeddings,
        List<LayerSpec> layers,
        Biases biases,
        OptionalInt bosTokenId,
        List<Integer> eosTokenIds) {

    /**
     * Module names of what is not in a layer.
     *
     * @param output of the output projection, where it is not the embedding
     */
    public record Names(String embedding, String norm, String output) {

        static final Names LLAMA = new Names("model.embed_tokens", "model.norm", "lm_head");
    }

    public ModelSpec {
        layers = List.copyOf(layers);
        eosTokenIds = List.copyOf(eosTokenIds);
    }

    /**
     * What stands before a text that is scored: BOS, else end-of-sequence as lm-evaluation-harness does, else nothing.
     */
    public OptionalInt prefixTokenId() {
        return bosTokenId.isPresent() || eosTokenIds.isEmpty() ? bosTokenId : OptionalInt.of(eosTokenIds.getFirst());
    }
}
