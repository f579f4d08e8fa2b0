package io.octavo.engine.evaluate;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.device.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Runs two models over the same sequences, batch by batch, and compares their logits, chunk by chunk. */
final class DivergenceScorer implements AutoCloseable {

    private static final int SPANS = 8;

    private final Transformer model;
    private final Transformer baseline;
    private final KvCache cache;
    private final KvCache baselineCache;
    private float[] divergences = {};
    private int[] positions = {};
    private long agreements;
    private int tokens;

    /** @param baseline loaded for the same limits */
    DivergenceScorer(Transformer model, Transformer baseline) {
        this.model = model;
        this.baseline = baseline;
        this.cache = SequenceScorer.newCache(model);
        this.baselineCache = SequenceScorer.newCache(baseline);
    }

    /** Mean over the scored tokens, in nats. */
    double divergence() {
        return mean(0, Integer.MAX_VALUE);
    }

    /** What so many of a hundred tokens do not exceed, between ranks interpolated as NumPy does. */
    double percentile(int percent) {
        float[] sorted = Arrays.copyOf(divergences, tokens);
        Arrays.sort(sorted);
        double rank = (tokens - 1) * (percent / 100.0);
        int below = (int) rank;
        int above = Math.min(below + 1, tokens - 1);
        return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
    }

    double largest() {
        return percentile(100);
    }

    /** Means over {@value #SPANS} spans of positions in their windows, fewer where windows are shorter. */
    List<TaskResult.PositionSpan> positions() {
        int length = Arrays.stream(positions, 0, tokens).max().orElse(0) + 1;
        int spans = Math.min(SPANS, length);
        return IntStream.range(0, spans)
                .mapToObj(i -> {
                    int from = (int) ((long) length * i / spans);
                    int to = (int) ((long) length * (i + 1) / spans);
                    return new TaskResult.PositionSpan(from, to, mean(from, to));
                })
                .toList();
    }

    /** Over the tokens at positions from {@code from} to before {@code to}. */
    private double mean(int from, int to) {
        return IntStream.range(0, tokens)
                .filter(i -> positions[i] >= from && positions[i] < to)
                .mapToDouble(i -> divergences[i])
                .average()
                .orElseThrow();
    }

    /** Share of the scored tokens. */
    double agreement() {
        return (double) agreements / tokens;
    }

    /** @param scored called after each batch with the number of sequences in it */
    void score(List<ScoredSequence> sequences, IntConsumer scored) {
        int total = Math.toIntExact(
                sequences.stream().mapToLong(ScoredSequence::scoredTokens).sum());
        divergences = new float[total];
        positions = sequences.stream()
                .flatMapToInt(sequence -> IntStream.range(0, sequence.scoredTokens()))
                .toArray();
        for (int from = 0; from < sequences.size(); ) {
            int to = SequenceScorer.batchEnd(model.limits(), sequences, from, false);
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
            divergences[tokens++] = divergence;
            agreements += compared.agreements().get(i);
        }
    }

    @Override
    public void close() {
        cache.close();
        baselineCache.close();
    }
}
