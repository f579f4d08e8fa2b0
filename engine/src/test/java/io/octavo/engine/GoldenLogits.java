package io.octavo.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Logits that PyTorch computed in float32 from a model's own weights, for the token ids beside them. Where their number
 * would weigh too much, the file holds random projections: each row times random signs of its own, which keep the length
 * of a difference to a few percent (Johnson and Lindenstrauss), whatever the difference is.
 */
public final class GoldenLogits {

    private GoldenLogits() {}

    /**
     * {@code ||actual - golden|| / ||golden||} over all positions; of their projections where only those are there.
     *
     * @param checkpoint what is run
     * @param reference folder of the model that has the golden files; {@code checkpoint} itself, or what it was made from
     */
    public static double relativeError(Backend backend, Path checkpoint, Path reference) throws IOException {
        List<int[]> sequences = sequences(reference);
        float[] actual = run(backend, checkpoint, sequences);
        Path sketch = reference.resolve("golden_logits_sketch.npy");
        if (!Files.exists(sketch)) {
            return relativeError(actual, NpyFile.floats(reference.resolve("golden_logits_fp32.npy")));
        }
        float[] expected = NpyFile.floats(sketch);
        int rows = sequences.stream().mapToInt(ids -> ids.length).sum();
        return relativeError(project(actual, rows, expected.length / rows), expected);
    }

    /** As {@code sketch} of golden/make.py does: {@code [rows, vocabulary]} to {@code [rows, columns]}. */
    static float[] project(float[] logits, int rows, int columns) {
        int vocabulary = logits.length / rows;
        float[] projected = new float[rows * columns];
        for (int row = 0; row < rows; row++) {
            double[] sums = new double[columns];
            for (int token = 0; token < vocabulary; token++) {
                long element = (long) row * vocabulary + token;
                for (int column = 0; column < columns; column++) {
                    boolean negative = mix(element * columns + column + 1) < 0;
                    sums[column] += negative ? -logits[(int) element] : logits[(int) element];
                }
            }
            for (int column = 0; column < columns; column++) {
                projected[row * columns + column] = (float) (sums[column] / Math.sqrt(columns));
            }
        }
        return projected;
    }

    /** SplitMix64's finalizer (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators). */
    private static long mix(long x) {
        x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }

    private static float[] run(Backend backend, Path folder, List<int[]> sequences) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            int tokens = sequences.stream().mapToInt(ids -> ids.length).sum();
            RunLimits limits = new RunLimits(tokens, sequences.size(), tokens, tokens);
            try (Transformer model = new ModelLoader(backend, checkpoint, spec).load(limits);
                    KvCache cache = model.newCache(sequences.size(), tokens)) {
                TokenBatch batch = new TokenBatch();
                sequences.forEach(ids -> batch.add(cache.newSequence(), ids));
                Matrix hidden = model.forward(batch, cache);
                Matrix logits = model.logits(hidden, IntStream.range(0, tokens).toArray());
                return model.read(logits);
            }
        }
    }

    private static List<int[]> sequences(Path reference) throws IOException {
        List<int[]> sequences = new ArrayList<>();
        if (Files.exists(reference.resolve("golden_input_ids.json"))) {
            json(reference.resolve("golden_input_ids.json")).forEach(row -> sequences.add(ids(row)));
        } else {
            sequences.add(ids(json(reference.resolve("golden_generate.json")).path("input_ids")));
        }
        return sequences;
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
