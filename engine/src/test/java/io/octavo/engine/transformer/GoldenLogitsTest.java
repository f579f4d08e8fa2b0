package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.NpyFile;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.Backend;
import io.octavo.kernels.Backends;
import io.octavo.kernels.Matrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Logits against those that PyTorch computed in float32 from the same weights. */
class GoldenLogitsTest {

    /** Both sides accumulate in f32 in orders of their own; sums of a few hundred terms differ by some 1e-6. */
    private static final double TOLERANCE = 1e-4;

    @Test
    void matchOnTheExampleModel() throws IOException {
        assertPromptMatches(TestModels.books5m());
    }

    @Test
    void matchOnShardedBooks28m() throws IOException {
        assertPromptMatches(TestModels.shared("models/books-28m"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama3-rope",
                "mistral-swa",
                "qwen2",
                "qwen3",
                "qwen3-moe",
                "mixtral",
                "phi3",
                "olmo2",
                "gemma2",
                "gemma3"
            })
    void matchOnArchitecture(String name) throws IOException {
        Path model = TestModels.shared("models/arch/" + name);
        List<int[]> sequences = new ArrayList<>();
        for (JsonNode row : json(model.resolve("golden_input_ids.json"))) {
            sequences.add(ids(row));
        }
        assertMatches(model, sequences);
    }

    private static void assertPromptMatches(Path model) throws IOException {
        JsonNode generate = json(model.resolve("golden_generate.json"));
        assertMatches(model, List.of(ids(generate.path("input_ids"))));
    }

    private static void assertMatches(Path folder, List<int[]> sequences) throws IOException {
        float[] expected = NpyFile.floats(folder.resolve("golden_logits_fp32.npy"));
        try (Backend backend = Backends.cpu(2);
                Checkpoint checkpoint = Checkpoint.open(folder)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            int tokens = sequences.stream().mapToInt(ids -> ids.length).sum();
            RunLimits limits = new RunLimits(tokens, sequences.size(), tokens, tokens);
            try (Transformer model = new ModelLoader(backend, checkpoint, spec).load(limits);
                    KvCache cache = model.newCache(sequences.size(), tokens)) {
                TokenBatch batch = new TokenBatch();
                sequences.forEach(ids -> batch.add(cache.newSequence(), ids));
                Matrix hidden = model.forward(batch, cache);
                Matrix logits = model.logits(hidden, IntStream.range(0, tokens).toArray());
                assertThat(relativeError(model.read(logits), expected)).isLessThan(TOLERANCE);
            }
        }
    }

    private static double relativeError(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / norm);
    }

    private static JsonNode json(Path file) throws IOException {
        return JsonMapper.shared().readTree(Files.readString(file));
    }

    private static int[] ids(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }
}
