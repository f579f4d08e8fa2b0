package io.octavo.engine.model;

/**
 * Attention of one layer.
 *
 * @param heads query heads, a multiple of {@code kvHeads}
 * @param scale multiplies the scores
 * @param softcap tanh cap of the scores, 0 for none
 * @param window positions that a query sees, its own included; {@link Integer#MAX_VALUE} for all
 */
public record AttentionSpec(
        int heads,
        int kvHeads,
        int headDim,
        float scale,
        float softcap,
        int window,
        RopeSpec rope,
        QueryKeyNorm queryKeyNorm,
        Names names)
        implements MixerSpec {

    /** Normalization of queries and keys before rotation. */
    public enum QueryKeyNorm {
        NONE,
        /** Over the channels of each head (Qwen3, Gemma 3). */
        PER_HEAD,
        /** Over all heads together (OLMo 2). */
        WHOLE
    }

    /**
     * Module names inside the layer. Projections of one name lie in one module, rows after rows, in the order of queries,
     * keys, values.
     *
     * @param block holds the others
     */
    public record Names(
            String block, String queries, String keys, String values, String output, String queryNorm, String keyNorm) {

        static final Names SEPARATE =
                new Names("self_attn", "q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm");
        static final Names FUSED =
                new Names("self_attn", "qkv_proj", "qkv_proj", "qkv_proj", "o_proj", "q_norm", "k_norm");
    }

    public int queryColumns() {
        return heads * headDim;
    }

    public int keyValueColumns() {
        return kvHeads * headDim;
    }
}
