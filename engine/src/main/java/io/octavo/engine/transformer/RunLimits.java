package io.octavo.engine.transformer;

import io.octavo.engine.model.ModelSpec;

/**
 * What a loaded model must be able to do at once; its scratch memory follows from it.
 *
 * @param batchTokens tokens of one forward pass, over all sequences
 * @param batchSequences sequences of one forward pass
 * @param contextTokens longest context of a sequence
 * @param logitRows rows whose logits are computed in one call
 */
public record RunLimits(int batchTokens, int batchSequences, int contextTokens, int logitRows) {

    public RunLimits {
        if (batchTokens < 1 || batchSequences < 1 || contextTokens < 1 || logitRows < 1) {
            throw new IllegalArgumentException("all limits must be positive: " + batchTokens + ", " + batchSequences
                    + ", " + contextTokens + ", " + logitRows);
        }
    }

    private static final long ACTIVATION_BYTES = 512L << 20;
    private static final long LOGIT_BYTES = 64L << 20;
    private static final int MOST_BATCH_TOKENS = 4096;
    private static final int MOST_LOGIT_ROWS = 1024;

    /**
     * As many tokens a batch as keep the processors busy within a fixed amount of scratch memory.
     *
     * @param contextTokens longest context; a batch always has room for one
     */
    public static RunLimits forThroughput(ModelSpec spec, int contextTokens, int batchSequences) {
        long affordable = ACTIVATION_BYTES / (Workspace.bytesPerToken(spec) + KvCache.bytesPerToken(spec));
        int batchTokens = Math.max(contextTokens, (int) Math.min(affordable, MOST_BATCH_TOKENS));
        long logitRows = LOGIT_BYTES / ((long) spec.vocabularySize() * Float.BYTES);
        return new RunLimits(batchTokens, batchSequences, contextTokens, Math.clamp(logitRows, 16, MOST_LOGIT_ROWS));
    }

    /** One sequence at a time: prompts in chunks, then token after token. */
    public static RunLimits forGeneration(ModelSpec spec, int contextTokens) {
        RunLimits throughput = forThroughput(spec, Math.min(contextTokens, 512), 1);
        return new RunLimits(Math.min(contextTokens, throughput.batchTokens()), 1, contextTokens, 1);
    }
}
