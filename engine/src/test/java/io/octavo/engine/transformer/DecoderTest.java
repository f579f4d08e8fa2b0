package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.operation.Sampling;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Steps of the decoder beside passes over the same batches, across the border of a page. */
class DecoderTest {

    private static final int STEPS = 12;
    private static final int[] LENGTHS = {60, 7};

    private Backend backend;
    private Checkpoint checkpoint;
    private Transformer model;

    @BeforeEach
    void load() {
        backend = Backends.cpu(2);
        checkpoint = Checkpoint.open(TestModels.books5m());
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        model = new ModelLoader(backend, checkpoint, spec).load(new RunLimits(128, 2, 128, 2));
    }

    @AfterEach
    void close() {
        model.close();
        checkpoint.close();
        backend.close();
    }

    @Test
    void findsWhatPassesFind() {
        Sampling.Request request = Sampling.Request.greedy();
        assertThat(decode(true, request)).isEqualTo(decode(false, request));
    }

    @Test
    void drawsWhatPassesDraw() {
        var request = new Sampling.Request(0.9f, 50, 0.95f, 0.01f, 1.3f, 11, 0, 0);
        List<List<Integer>> drawn = decode(true, request);
        assertThat(drawn).isEqualTo(decode(false, request)).isNotEqualTo(decode(true, Sampling.Request.greedy()));
    }

    /** The tokens of each step, by steps of the decoder or each by a pass and a draw that know nothing of those before. */
    private List<List<Integer>> decode(boolean bySteps, Sampling.Request request) {
        try (KvCache cache = model.newCache(2, 128);
                Decoder decoder = model.newDecoder(cache)) {
            List<KvCache.Sequence> sequences = List.of(cache.newSequence(), cache.newSequence());
            List<List<Integer>> held = prompts();
            List<Continuation> texts = continuations(sequences, request, held);
            var found = new ArrayList<List<Integer>>();
            record(decoder.first(pass(sequences, held, cache), texts), held, found);
            while (found.size() < STEPS) {
                if (bySteps) {
                    decoder.next(texts, STEPS - found.size()).forEach(step -> record(step, held, found));
                } else {
                    List<List<Integer>> newest =
                            held.stream().map(text -> List.of(text.getLast())).toList();
                    Matrix logits = pass(sequences, newest, cache);
                    record(
                            decoder.first(logits, continuations(sequences, request.atStep(found.size()), held)),
                            held,
                            found);
                }
            }
            return found;
        }
    }

    private List<List<Integer>> prompts() {
        var random = new SplittableRandom(3);
        return IntStream.of(LENGTHS)
                .<List<Integer>>mapToObj(length ->
                        new ArrayList<>(random.ints(length, 1, model.spec().vocabularySize())
                                .boxed()
                                .toList()))
                .toList();
    }

    private static List<Continuation> continuations(
            List<KvCache.Sequence> sequences, Sampling.Request request, List<List<Integer>> held) {
        return List.of(
                new Continuation(sequences.get(0), request, held.get(0)),
                new Continuation(sequences.get(1), request, held.get(1)));
    }

    private static void record(int[] step, List<List<Integer>> held, List<List<Integer>> found) {
        held.get(0).add(step[0]);
        held.get(1).add(step[1]);
        found.add(List.of(step[0], step[1]));
    }

    private Matrix pass(List<KvCache.Sequence> sequences, List<List<Integer>> tokens, KvCache cache) {
        var batch = new TokenBatch();
        for (int i = 0; i < sequences.size(); i++) {
            batch.add(
                    sequences.get(i),
                    tokens.get(i).stream().mapToInt(Integer::intValue).toArray());
        }
        return model.logits(model.forward(batch, cache), new int[] {batch.lastRow(0), batch.lastRow(1)});
    }

    @Test
    void refusesTextsThatTheCacheDoesNotHold() {
        try (KvCache cache = model.newCache(1, 16);
                Decoder decoder = model.newDecoder(cache)) {
            var text = new Continuation(cache.newSequence(), Sampling.Request.greedy(), List.of(1, 2));
            assertThatThrownBy(() -> decoder.next(List.of(text), 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("a text of 2 tokens, of which the cache must hold all but one and holds 0");
        }
    }
}
