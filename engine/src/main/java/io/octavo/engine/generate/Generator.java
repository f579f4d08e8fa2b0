package io.octavo.engine.generate;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.JobMonitor;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.transformer.Decoder;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.Matrix;
import java.util.ArrayList;
import java.util.List;

/** Greedy decoding: the most likely token, one at a time. */
public final class Generator {

    /** That may be on their way at once: enough to hide the way to the device, few enough to be cancelled soon. */
    private static final int STEPS = 8;

    private final Transformer model;

    public Generator(Transformer model) {
        this.model = model;
    }

    /**
     * Continues a prompt.
     *
     * @param prompt token ids, BOS included, at least one
     * @param maxTokens most tokens to add; fewer if an end-of-sequence token comes, which is kept as the last
     * @return the new tokens
     * @throws QuantizationException {@code prompt-too-long} if the context would exceed the model's limit,
     *     {@code tensor-not-finite} if the model computes NaN
     */
    public List<Integer> greedy(List<Integer> prompt, int maxTokens, JobMonitor monitor) {
        requireRoom(prompt.size(), maxTokens);
        List<Integer> generated = new ArrayList<>();
        try (KvCache cache = model.newCache(1, prompt.size() + maxTokens);
                KvCache.Sequence sequence = cache.newSequence();
                Decoder decoder = model.newDecoder(cache)) {
            boolean ended = append(prefill(prompt, sequence, cache), generated);
            while (!ended && generated.size() < maxTokens) {
                monitor.checkpoint();
                monitor.progress((double) generated.size() / maxTokens);
                int steps = Math.min(STEPS, maxTokens - generated.size());
                for (int[] next : decoder.next(List.of(sequence), new int[] {generated.getLast()}, steps)) {
                    // Whatever was computed beyond the end is not looked at.
                    ended = ended || append(next[0], generated);
                }
            }
            monitor.progress(1);
        }
        return generated;
    }

    /** @return whether the text ends here */
    private boolean append(int token, List<Integer> generated) {
        if (token < 0) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE, "logits before new token " + generated.size() + " hold NaN");
        }
        generated.add(token);
        return model.spec().eosTokenIds().contains(token);
    }

    private int prefill(List<Integer> prompt, KvCache.Sequence sequence, KvCache cache) {
        int chunk = model.limits().batchTokens();
        for (int from = 0; ; from += chunk) {
            int to = Math.min(from + chunk, prompt.size());
            int[] part = prompt.subList(from, to).stream()
                    .mapToInt(Integer::intValue)
                    .toArray();
            int next = step(part, sequence, cache);
            if (to == prompt.size()) {
                return next;
            }
        }
    }

    private int step(int[] tokens, KvCache.Sequence sequence, KvCache cache) {
        TokenBatch batch = new TokenBatch().add(sequence, tokens);
        Matrix hidden = model.forward(batch, cache);
        Matrix logits = model.logits(hidden, new int[] {batch.lastRow(0)});
        return model.mostLikely(logits)[0];
    }

    private void requireRoom(int promptTokens, int maxTokens) {
        int limit = model.limits().contextTokens();
        if (promptTokens < 1 || maxTokens < 1 || promptTokens + (long) maxTokens > limit) {
            throw new QuantizationException(
                    ErrorCode.PROMPT_TOO_LONG,
                    "prompt of " + promptTokens + " tokens and " + maxTokens + " new ones: both must be at least 1 and"
                            + " together at most " + limit);
        }
    }
}
