package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.Backend;
import io.octavo.kernels.Backends;
import io.octavo.kernels.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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
        assertThat(decode(true)).isEqualTo(decode(false));
    }

    private List<List<Integer>> decode(boolean byDecoder) {
        try (KvCache cache = model.newCache(2, 128);
                Decoder decoder = model.newDecoder(cache)) {
            List<KvCache.Sequence> sequences = List.of(cache.newSequence(), cache.newSequence());
            var random = new SplittableRandom(3);
            var prompts = new TokenBatch();
            for (int i = 0; i < LENGTHS.length; i++) {
                prompts.add(
                        sequences.get(i),
                        random.ints(LENGTHS[i], 1, model.spec().vocabularySize())
                                .toArray());
            }
            int[] tokens = pass(prompts, cache);
            var found = new ArrayList<List<Integer>>();
            while (found.size() < STEPS) {
                int[] current = tokens;
                var batch = new TokenBatch();
                List<int[]> next;
                if (byDecoder) {
                    next = decoder.next(sequences, current, STEPS - found.size());
                } else {
                    for (int i = 0; i < current.length; i++) {
                        batch.add(sequences.get(i), new int[] {current[i]});
                    }
                    next = List.of(pass(batch, cache));
                }
                next.forEach(step -> found.add(List.of(step[0], step[1])));
                tokens = next.getLast();
            }
            return found;
        }
    }

    private int[] pass(TokenBatch batch, KvCache cache) {
        Matrix hidden = model.forward(batch, cache);
        return model.mostLikely(model.logits(hidden, new int[] {batch.lastRow(0), batch.lastRow(1)}));
    }

    @Test
    void refusesTokensOfOtherSequences() {
        try (KvCache cache = model.newCache(1, 16);
                Decoder decoder = model.newDecoder(cache)) {
            assertThatThrownBy(() -> decoder.next(List.of(cache.newSequence()), new int[2], 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("2 tokens for 1 sequences");
        }
    }
}
