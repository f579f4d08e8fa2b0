package io.octavo.engine.transformer;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Recording;
import io.octavo.kernels.device.Stream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Draws the next tokens of texts, one after another.
 *
 * <p>What a step submits depends on no more than the number of texts, the width of the page table, and whether all take the
 * most likely token: the second step of a kind is recorded, where the backend can, and replayed from then on. The tokens stay on the device, as does which of them
 * were seen, so that several steps can be submitted before the first of their tokens is known here. Results are the same
 * either way.
 */
public final class Decoder implements AutoCloseable {

    private final Transformer model;
    private final Stream stream;
    private final KvCache cache;
    private final Map<Shape, Step> steps = new HashMap<>();
    private @Nullable Recording last;

    private record Shape(int texts, int pages, boolean greedy) {}

    /** What is known of a kind of step that has run. */
    private record Step(Optional<Recording> recording, boolean tried) {}

    Decoder(Transformer model, Stream stream, KvCache cache) {
        this.model = model;
        this.stream = stream;
        this.cache = cache;
    }

    /**
     * Draws the first tokens of texts.
     *
     * @param logits of each prompt's last token: a {@link Transformer#logits} result
     * @return the token of each text, which has been appended to it; -1 where logits hold NaN
     */
    public int[] first(Matrix logits, List<Continuation> texts) {
        if (logits.rows() != texts.size()) {
            throw new IllegalArgumentException(logits.rows() + " rows of logits for " + texts.size() + " texts");
        }
        if (greedy(texts)) {
            model.findMostLikely(logits);
        } else {
            uploadSeen(texts);
            model.draw(
                    logits,
                    texts.stream()
                            .flatMapToInt(text -> IntStream.of(text.request(0).encode()))
                            .toArray());
        }
        int[] tokens = download(texts.size());
        stream.synchronize();
        append(List.of(tokens), texts);
        return tokens;
    }

    /**
     * Runs at least one step, and more as long as steps are replayed.
     *
     * @param texts whose newest tokens are in no cache yet
     * @param most steps; each makes the texts longer by one
     * @return for each step, the next token of each text, which has been appended to it; -1 where logits hold NaN, and
     *     after that
     */
    public List<int[]> next(List<Continuation> texts, int most) {
        if (most < 1) {
            throw new IllegalArgumentException(most + " steps");
        }
        start(texts);
        var found = new ArrayList<int[]>();
        do {
            found.add(step(texts, found.size()));
        } while (found.size() < most && last != null);
        stream.synchronize();
        append(found, texts);
        return found;
    }

    /** Tells the device what the texts hold. */
    void start(List<Continuation> texts) {
        for (Continuation text : texts) {
            if (text.sequence().length() != text.tokens() - 1) {
                throw new IllegalArgumentException("a text of " + text.tokens()
                        + " tokens, of which the cache must hold all but one and holds "
                        + text.sequence().length());
            }
        }
        int[] newest = texts.stream().mapToInt(Continuation::last).toArray();
        Matrix current = model.current(texts.size());
        current.buffer().copyFrom(MemorySegment.ofArray(newest), current.offset(), stream);
        uploadSeen(texts);
    }

    /** Without a penalty it makes no difference what was seen. */
    private void uploadSeen(List<Continuation> texts) {
        if (texts.stream().noneMatch(Continuation::penalizes)) {
            return;
        }
        Matrix seen = model.seen(texts.size());
        int rowBytes = Math.toIntExact(seen.bytes() / seen.rows());
        byte[] bits = new byte[rowBytes * texts.size()];
        for (int i = 0; i < texts.size(); i++) {
            byte[] row = texts.get(i).seen();
            System.arraycopy(row, 0, bits, i * rowBytes, row.length);
        }
        seen.buffer().copyFrom(MemorySegment.ofArray(bits), seen.offset(), stream);
    }

    /**
     * Submits one step.
     *
     * @param ahead steps since the last {@link #start}
     * @return the tokens, once the stream is synchronized
     */
    int[] step(List<Continuation> texts, int ahead) {
        var batch = new TokenBatch();
        texts.forEach(text -> batch.addCurrent(text.sequence(), text.request(ahead)));
        DeviceBatch.View view = model.upload(batch);
        boolean greedy = greedy(texts);
        var shape = new Shape(texts.size(), batch.maxPages(), greedy);
        Step step = steps.get(shape);
        if (step != null && !step.tried) {
            step = new Step(stream.record(() -> model.decode(view, cache, greedy)), true);
            steps.put(shape, step);
        }
        last = step == null ? null : step.recording.orElse(null);
        if (last != null) {
            last.replay();
        } else {
            model.decode(view, cache, greedy);
            steps.putIfAbsent(shape, new Step(Optional.empty(), false));
        }
        return download(texts.size());
    }

    private static boolean greedy(List<Continuation> texts) {
        return texts.stream().allMatch(Continuation::greedy);
    }

    private int[] download(int texts) {
        int[] tokens = new int[texts];
        Matrix current = model.current(texts);
        current.buffer().copyTo(MemorySegment.ofArray(tokens), current.offset(), stream);
        return tokens;
    }

    private static void append(List<int[]> found, List<Continuation> texts) {
        for (int[] tokens : found) {
            for (int i = 0; i < tokens.length; i++) {
                texts.get(i).append(tokens[i]);
            }
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
