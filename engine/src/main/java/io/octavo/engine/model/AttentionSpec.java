package io.octavo.engine.model;

/**
 * What all attention blocks of a model share.
 *
 * @param heads query heads, a multiple of {@code kvHeads}
 * @param scale multiplies the scores
 * @param softcap tanh cap of the scores, 0 for none
 * @param fusedQkv one {@code qkv_proj} instead of three projections
 */
public record AttentionSpec(
        int heads, int kvHeads, int headDim, float scale, float softcap, boolean fusedQkv, QueryKeyNorm queryKeyNorm) {

    /** Normalization of queries and keys before rotation. */
    public enum QueryKeyNorm {
        NONE,
        /** Over the channels of each head (Qwen3, Gemma 3). */
        PER_HEAD,
        /** Over all heads together (OLMo 2). */
        WHOLE
    }

    public int queryColumns() {
        return heads * headDim;
    }

    public int keyValueColumns() {
        return kvHeads * headDim;
    }
}
