package io.octavo.engine.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares a quantized model with the one that it was made from. */
class DivergenceTest {

    private static final int WINDOW = 100;
    private static final int WINDOWS = 2;

    @Test
    void isThatOfTheLogitsInFloat64(@TempDir Path folder) throws IOException {
        Path quantized = peer("fp8-static-kv", folder);
        TaskResult.Divergence result = compare(quantized, TestModels.books5m());
        double sum = 0;
        double largest = 0;
        int agreements = 0;
        List<Double> all = new ArrayList<>();
        float[][] expected = logits(TestModels.books5m());
        float[][] found = logits(quantized);
        for (int row = 0; row < expected.length; row++) {
            double[] p = logProbabilities(expected[row]);
            double[] q = logProbabilities(found[row]);
            double divergence = IntStream.range(0, p.length)
                    .mapToDouble(i -> Math.exp(p[i]) * (p[i] - q[i]))
                    .sum();
            sum += divergence;
            all.add(divergence);
            largest = Math.max(largest, divergence);
            agreements += best(p) == best(q) ? 1 : 0;
        }
        assertThat(result.windows()).isEqualTo(WINDOWS);
        assertThat(result.divergence()).isPositive().isCloseTo(sum / expected.length, within(2e-6));
        assertThat(result.largestDivergence()).isCloseTo(largest, within(1e-5));
        assertThat(result.agreement()).isEqualTo((double) agreements / expected.length);
        // Of 200 numbers the rank is 197.01.
        List<Double> sorted = all.stream().sorted().toList();
        assertThat(result.percentile99())
                .isCloseTo(sorted.get(197) + 0.01 * (sorted.get(198) - sorted.get(197)), within(1e-5));
        assertThat(result.positions()).hasSize(8);
        assertThat(result.positions().get(1).from()).isEqualTo(12);
        assertThat(result.positions().get(1).to()).isEqualTo(25);
        double span = IntStream.range(12, 25)
                .mapToDouble(i -> all.get(i) + all.get(WINDOW + i))
                .sum();
        assertThat(result.positions().get(1).divergence()).isCloseTo(span / 26, within(2e-6));
    }

    @Test
    void isNothingFromTheModelItself() {
        TaskResult.Divergence result = compare(TestModels.books5m(), TestModels.books5m());
        assertThat(result.divergence()).isCloseTo(0, within(1e-6));
        assertThat(result.agreement()).isEqualTo(1);
    }

    @Test
    void refusesABaselineOfFewerPositions(@TempDir Path folder) throws IOException {
        Path model = TestModels.books5m();
        Files.copy(model.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        String config = Files.readString(model.resolve("config.json"));
        Files.writeString(
                folder.resolve("config.json"),
                config.replaceFirst("\"max_position_embeddings\": *[0-9]+", "\"max_position_embeddings\": 50"));
        assertThatThrownBy(() -> compare(model, folder))
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.BASELINE_INCOMPATIBLE))
                .hasMessageContaining("50 positions; needed are");
    }

    private static TaskResult.Divergence compare(Path model, Path baseline) {
        var task = new EvaluationTask.Divergence("books", text(), WINDOW, OptionalInt.of(WINDOWS), baseline);
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            return (TaskResult.Divergence)
                    engine.evaluate(new EvaluationRequest(model, List.of(task)), JobMonitor.none())
                            .tasks()
                            .getFirst();
        }
    }

    private static Path text() {
        return TestModels.repository().resolve("examples/data/books-heldout.txt");
    }

    private static Path peer(String name, Path folder) throws IOException {
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(GoldenCheckpoints.of(name).resolve(file), folder.resolve(file));
        }
        Files.copy(TestModels.books5m().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
        return folder;
    }

    /** Of every scored position, window after window. */
    private static float[][] logits(Path folder) throws IOException {
        float[][] rows = new float[WINDOW * WINDOWS][];
        try (Backend backend = Backends.open("cpu", 2);
                Tokenizer tokenizer = Tokenizer.open(folder);
                Baseline opened = Baseline.open(backend, folder);
                Transformer model = opened.load(new RunLimits(WINDOW, 1, WINDOW, WINDOW))) {
            int[] ids = tokenizer.encode(Files.readString(text()));
            for (int window = 0; window < WINDOWS; window++) {
                int from = window * WINDOW;
                int[] input = IntStream.concat(
                                opened.spec().prefixTokenId().stream(),
                                IntStream.range(from, from + WINDOW).map(i -> ids[i]))
                        .limit(WINDOW)
                        .toArray();
                try (KvCache cache = model.newCache(1, WINDOW);
                        KvCache.Sequence sequence = cache.newSequence()) {
                    var hidden = model.forward(new TokenBatch().add(sequence, input), cache);
                    float[] all = model.read(
                            model.logits(hidden, IntStream.range(0, WINDOW).toArray()));
                    int columns = all.length / WINDOW;
                    for (int row = 0; row < WINDOW; row++) {
                        rows[from + row] = Arrays.copyOfRange(all, row * columns, (row + 1) * columns);
                    }
                }
            }
        }
        return rows;
    }

    private static double[] logProbabilities(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        double[] result = new double[logits.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = logits[i] - max - Math.log(sum);
        }
        return result;
    }

    private static int best(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }
}
