package io.octavo.engine.evaluate;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.device.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** Negative log-likelihoods of many sequences, several in one forward pass; neighbours with the same input share one. */
final class SequenceScorer implements AutoCloseable {

    private final Transformer model;
    private final KvCache cache;

    SequenceScorer(Transformer model) {
        this.model = model;
        this.cache = newCache(model);
    }

    /** A cache for any batch within the model's limits. */
    static KvCache newCache(Transformer model) {
        RunLimits limits = model.limits();
        // Each sequence may leave its last page partly empty: one page more than its tokens fill, at most.
        return model.newCache(1, limits.batchTokens() + limits.batchSequences() * 64);
    }

    /**
     * @param scored called after each batch with the number of sequences in it
     * @return the sum over the scored tokens of each sequence, in nats, accumulated in f64
     */
    double[] score(List<ScoredSequence> sequences, IntConsumer scored) {
        double[] sums = new double[sequences.size()];
        for (int from = 0; from < sequences.size(); ) {
            int to = batchEnd(model.limits(), sequences, from, true);
            scoreBatch(sequences.subList(from, to), from, sums);
            scored.accept(to - from);
            from = to;
        }
        return sums;
    }

    /**
     * Where a batch that begins with sequence {@code from} ends.
     *
     * @param shared whether neighbours with the same input go through the model once
     */
    static int batchEnd(RunLimits limits, List<ScoredSequence> sequences, int from, boolean shared) {
        int to = from;
        int tokens = 0;
        int passes = 0;
        while (to < sequences.size()) {
            if (to == from || !shared || !sequences.get(to).hasInputOf(sequences.get(to - 1))) {
                tokens += sequences.get(to).inputTokens();
                passes++;
            }
            if (tokens > limits.batchTokens() || passes > limits.batchSequences()) {
                break;
            }
            to++;
        }
        if (to == from) {
            throw new IllegalArgumentException("sequence of "
                    + sequences.get(from).inputTokens() + " tokens exceeds the batch of " + limits.batchTokens());
        }
        return to;
    }

    private void scoreBatch(List<ScoredSequence> batch, int first, double[] sums) {
        List<KvCache.Sequence> contexts = new ArrayList<>();
        try {
            TokenBatch tokens = new TokenBatch();
            List<Scored> rows = new ArrayList<>();
            int start = 0;
            for (int i = 0; i < batch.size(); i++) {
                ScoredSequence sequence = batch.get(i);
                if (i == 0 || !sequence.hasInputOf(batch.get(i - 1))) {
                    KvCache.Sequence context = cache.newSequence();
                    contexts.add(context);
                    start = tokens.tokens();
                    tokens.add(context, sequence.input());
                }
                for (int t = sequence.firstScored(); t < sequence.length(); t++) {
                    rows.add(new Scored(first + i, start + t - 1, sequence.token(t)));
                }
            }
            Matrix hidden = model.forward(tokens, cache);
            addLosses(hidden, rows, sums);
        } finally {
            contexts.forEach(KvCache.Sequence::close);
        }
    }

    private record Scored(int sequence, int row, int target) {}

    private void addLosses(Matrix hidden, List<Scored> rows, double[] sums) {
        int chunkRows = model.limits().logitRows();
        for (int from = 0; from < rows.size(); from += chunkRows) {
            List<Scored> chunk = rows.subList(from, Math.min(from + chunkRows, rows.size()));
            Matrix logits =
                    model.logits(hidden, chunk.stream().mapToInt(Scored::row).toArray());
            float[] losses =
                    model.losses(logits, chunk.stream().mapToInt(Scored::target).toArray());
            for (int i = 0; i < losses.length; i++) {
                sums[chunk.get(i).sequence()] += requireFinite(losses[i], chunk.get(i));
            }
        }
    }

    private static float requireFinite(float loss, Scored where) {
        if (!Float.isFinite(loss)) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE,
                    "the model's loss for token " + where.target() + " of sequence " + where.sequence() + " is "
                            + loss);
        }
        return loss;
    }

    @Override
    public void close() {
        cache.close();
    }
}
