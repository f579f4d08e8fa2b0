package io.octavo.engine.transformer;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.Recording;
import io.octavo.kernels.Stream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Advances sequences by one most likely token after another.
 *
 * <p>What a step submits depends on no more than the number of sequences and the width of the page table: the second step of
 * a kind is recorded, where the backend can, and replayed from then on. The tokens stay on the device, so that several
 * steps can be submitted before the first of their tokens is known here. Results are the same either way.
 */
public final class Decoder implements AutoCloseable {

    private final Transformer model;
    private final Stream stream;
    private final KvCache cache;
    private final Map<Shape, Step> steps = new HashMap<>();
    private @Nullable Recording last;

    private record Shape(int sequences, int pages) {}

    /** What is known of a kind of step that has run. */
    private record Step(Optional<Recording> recording, boolean tried) {}

    Decoder(Transformer model, Stream stream, KvCache cache) {
        this.model = model;
        this.stream = stream;
        this.cache = cache;
    }

    /**
     * Runs at least one step, and more as long as steps are replayed.
     *
     * @param tokens the next of each sequence
     * @param most steps; each makes the sequences longer by one
     * @return for each step, the most likely next token of each sequence; -1 where logits hold NaN, and after that
     */
    public List<int[]> next(List<KvCache.Sequence> sequences, int[] tokens, int most) {
        if (tokens.length != sequences.size() || most < 1) {
            throw new IllegalArgumentException(
                    tokens.length + " tokens for " + sequences.size() + " sequences, " + most + " steps");
        }
        Matrix current = model.current(tokens.length);
        current.buffer().copyFrom(MemorySegment.ofArray(tokens.clone()), current.offset(), stream);
        var found = new ArrayList<int[]>();
        do {
            submit(sequences);
            int[] winners = new int[tokens.length];
            current.buffer().copyTo(MemorySegment.ofArray(winners), current.offset(), stream);
            found.add(winners);
        } while (found.size() < most && last != null);
        stream.synchronize();
        return found;
    }

    private void submit(List<KvCache.Sequence> sequences) {
        var batch = new TokenBatch();
        sequences.forEach(batch::addCurrent);
        DeviceBatch.View view = model.upload(batch);
        var shape = new Shape(sequences.size(), batch.maxPages());
        Step step = steps.get(shape);
        if (step != null && !step.tried) {
            step = new Step(stream.record(() -> model.decode(view, cache)), true);
            steps.put(shape, step);
        }
        last = step == null ? null : step.recording.orElse(null);
        if (last != null) {
            last.replay();
        } else {
            model.decode(view, cache);
            steps.putIfAbsent(shape, new Step(Optional.empty(), false));
        }
    }

    /** Replays the last step again and again, at the same positions, for measuring. */
    void repeat(int times) {
        for (int i = 0; i < times && last != null; i++) {
            last.replay();
        }
        stream.synchronize();
    }

    /** How many operations the last step replayed; 0 if it submitted them one by one. */
    int recordedOperations() {
        return last == null ? 0 : last.operations();
    }

    /** Waits for the last step. The cache is left alone. */
    @Override
    public void close() {
        stream.synchronize();
        steps.values().forEach(step -> step.recording.ifPresent(Recording::close));
    }
}
