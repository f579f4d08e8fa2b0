package io.octavo.engine.evaluate;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.device.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Runs two models over the same sequences, batch by batch, and compares their logits, chunk by chunk. */
final class DivergenceScorer implements AutoCloseable {

    private final Transformer model;
    private final Transformer baseline;
    private final KvCache cache;
    private final KvCache baselineCache;
    private double sum;
    private double largest;
    private long agreements;
    private long tokens;

    /** @param baseline loaded for the same limits */
    DivergenceScorer(Transformer model, Transformer baseline) {
        this.model = model;
        this.baseline = baseline;
        this.cache = SequenceScorer.newCache(model);
        this.baselineCache = SequenceScorer.newCache(baseline);
    }

    /** Mean over the scored tokens, in nats. */
    double divergence() {
        return sum / tokens;
    }

    double largest() {
        return largest;
    }

    /** Share of the scored tokens. */
    double agreement() {
        return (double) agreements / tokens;
    }

    /** @param scored called after each batch with the number of sequences in it */
    void score(List<ScoredSequence> sequences, IntConsumer scored) {
        for (int from = 0; from < sequences.size(); ) {
            int to = SequenceScorer.batchEnd(model.limits(), sequences, from);
            scoreBatch(sequences.subList(from, to));
            scored.accept(to - from);
            from = to;
        }
    }

    private void scoreBatch(List<ScoredSequence> batch) {
        int[] rows = rows(batch);
        List<KvCache.Sequence> contexts = new ArrayList<>();
        try {
            Matrix expected = forward(baseline, baselineCache, batch, contexts);
            Matrix hidden = forward(model, cache, batch, contexts);
            int chunkRows = model.limits().logitRows();
            for (int from = 0; from < rows.length; from += chunkRows) {
                int[] chunk = IntStream.range(from, Math.min(from + chunkRows, rows.length))
                        .map(i -> rows[i])
                        .toArray();
                Matrix reference = baseline.logits(expected, chunk);
                // Streams know nothing of each other.
                baseline.synchronize();
                add(model.compare(reference, model.logits(hidden, chunk)));
            }
        } finally {
            contexts.forEach(KvCache.Sequence::close);
        }
    }

    private static int[] rows(List<ScoredSequence> batch) {
        IntStream.Builder rows = IntStream.builder();
        int start = 0;
        for (ScoredSequence sequence : batch) {
            for (int t = sequence.firstScored(); t < sequence.length(); t++) {
                rows.add(start + t - 1);
            }
            start += sequence.inputTokens();
        }
        return rows.build().toArray();
    }

    private static Matrix forward(
            Transformer model, KvCache cache, List<ScoredSequence> batch, List<KvCache.Sequence> contexts) {
        TokenBatch tokens = new TokenBatch();
        for (ScoredSequence sequence : batch) {
            KvCache.Sequence context = cache.newSequence();
            contexts.add(context);
            tokens.add(context, sequence.input());
        }
        return model.forward(tokens, cache);
    }

    private void add(Transformer.Comparison compared) {
        for (int i = 0; i < compared.divergences().size(); i++) {
            float divergence = compared.divergences().get(i);
            if (!Float.isFinite(divergence)) {
                throw new QuantizationException(
                        ErrorCode.TENSOR_NOT_FINITE,
                        "the models' divergence at scored token " + tokens + " is " + divergence);
            }
            sum += divergence;
            largest = Math.max(largest, divergence);
            agreements += compared.agreements().get(i);
            tokens++;
        }
    }

    @Override
    public void close() {
        cache.close();
        baselineCache.close();
    }
}
