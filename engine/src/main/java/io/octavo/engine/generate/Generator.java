package io.octavo.engine.generate;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.transformer.Continuation;
import io.octavo.engine.transformer.Decoder;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.device.Matrix;
import java.util.ArrayList;
import java.util.List;

/** Continues texts token by token: by the most likely one, or by one that is drawn. */
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
    public List<Integer> generate(List<Integer> prompt, int maxTokens, SamplingOptions sampling, JobMonitor monitor) {
        requireRoom(prompt.size(), maxTokens);
        List<Integer> generated = new ArrayList<>();
        try (KvCache cache = model.newCache(1, prompt.size() + maxTokens);
                KvCache.Sequence sequence = cache.newSequence();
                Decoder decoder = model.newDecoder(cache)) {
            var text = List.of(new Continuation(sequence, sampling.request(), prompt));
            boolean ended = append(decoder.first(prefill(prompt, sequence, cache), text)[0], generated);
            while (!ended && generated.size() < maxTokens) {
                monitor.checkpoint();
                monitor.progress((double) generated.size() / maxTokens);
                for (int[] next : decoder.next(text, Math.min(STEPS, maxTokens - generated.size()))) {
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

    /** @return logits of the last token */
    private Matrix prefill(List<Integer> prompt, KvCache.Sequence sequence, KvCache cache) {
        int chunk = model.limits().batchTokens();
        for (int from = 0; ; from += chunk) {
            int to = Math.min(from + chunk, prompt.size());
            int[] part = prompt.subList(from, to).stream()
                    .mapToInt(Integer::intValue)
                    .toArray();
            TokenBatch batch = new TokenBatch().add(sequence, part);
            Matrix hidden = model.forward(batch, cache);
            if (to == prompt.size()) {
                return model.logits(hidden, new int[] {batch.lastRow(0)});
            }
        }
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
