package io.octavo.engine.transformer;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.Recording;
import io.octavo.kernels.Stream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Advances sequences by one token at a time and tells the most likely next ones.
 *
 * <p>What a step submits depends on no more than the number of sequences and the width of the page table: the second step of
 * a kind is recorded, where the backend can, and replayed from then on. Results are the same either way.
 */
public final class Decoder implements AutoCloseable {

    private final Transformer model;
    private final Stream stream;
    private final KvCache cache;
    private final Map<Shape, Step> steps = new HashMap<>();
    private @Nullable Step last;

    private record Shape(int sequences, int pages) {}

    /** @param recording empty if it was not {@code tried} yet, or cannot be made */
    private record Step(Matrix winners, Optional<Recording> recording, boolean tried) {}

    Decoder(Transformer model, Stream stream, KvCache cache) {
        this.model = model;
        this.stream = stream;
        this.cache = cache;
    }

    /**
     * @param batch one token of each sequence
     * @return for each, the most likely token after it; -1 where logits hold NaN
     */
    public int[] next(TokenBatch batch) {
        if (batch.tokens() != batch.sequences()) {
            throw new IllegalArgumentException(
                    batch.tokens() + " tokens in " + batch.sequences() + " sequences, expected one of each");
        }
        return model.readIntegers(submit(batch));
    }

    private Matrix submit(TokenBatch batch) {
        DeviceBatch.View view = model.upload(batch);
        var shape = new Shape(batch.sequences(), batch.maxPages());
        Step step = steps.get(shape);
        if (step != null && !step.tried) {
            step = new Step(step.winners, stream.record(() -> model.decode(batch.tokens(), view, cache)), true);
            steps.put(shape, step);
        }
        if (step != null && step.recording.isPresent()) {
            step.recording.get().replay();
            last = step;
            return step.winners;
        }
        last = null;
        Matrix winners = model.decode(batch.tokens(), view, cache);
        steps.putIfAbsent(shape, new Step(winners, Optional.empty(), false));
        return winners;
    }

    /** Runs the last recorded step again and again, the same tokens at the same positions, for measuring. */
    void repeat(int times) {
        Step step = last;
        if (step == null || step.recording.isEmpty()) {
            throw new IllegalStateException("the last step was not recorded");
        }
        for (int i = 0; i < times; i++) {
            step.recording.get().replay();
        }
        model.synchronize();
    }

    /** How many operations the last step replayed; 0 if it submitted them one by one. */
    int recordedOperations() {
        return last == null ? 0 : last.recording.map(Recording::operations).orElse(0);
    }

    /** Waits for the last step. The cache is left alone. */
    @Override
    public void close() {
        model.synchronize();
        steps.values().forEach(step -> step.recording.ifPresent(Recording::close));
    }
}
