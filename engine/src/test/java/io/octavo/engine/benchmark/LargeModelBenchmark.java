package io.octavo.engine.benchmark;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.generate.Generator;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Tokens per second of a model of full size on a GPU, whatever its weights: losses of 4 x 2048 tokens, and greedy text of one
 * sequence, 128 tokens in and 100 out. For {@code kernels/gpu-check.sh}; {@code benchmarks/peer_large.py} is the peer.
 *
 * <p>Argument: model folder, which needs no tokenizer. Prints one JSON line a measurement, medians.
 */
final class LargeModelBenchmark {

    private static final int WINDOWS = 4;
    private static final int WINDOW_TOKENS = 2048;
    private static final int PROMPT_TOKENS = 128;
    private static final int NEW_TOKENS = 100;
    private static final int REPEATS = 5;

    private LargeModelBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        try (Backend backend = Backends.open("cuda", threads);
                Checkpoint checkpoint = Checkpoint.open(Path.of(arguments[0]))) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            var loader = new ModelLoader(backend, checkpoint, spec);
            int[] ids = new SplittableRandom(1)
                    .ints(WINDOWS * WINDOW_TOKENS, 1, spec.vocabularySize())
                    .toArray();
            perplexity(loader, spec, ids);
            generation(loader, spec, ids);
        }
    }

    private static void perplexity(ModelLoader loader, ModelSpec spec, int[] ids) {
        RunLimits usual = RunLimits.forThroughput(spec, WINDOW_TOKENS, WINDOWS);
        long start = System.nanoTime();
        try (Transformer model = loader.load(usual);
                KvCache cache = model.newCache(WINDOWS, WINDOW_TOKENS)) {
            report("large model, load seconds", (System.nanoTime() - start) / 1e9);
            double seconds = medianSeconds(() -> score(model, cache, ids));
            report("large model, perplexity tokens/s", WINDOWS * WINDOW_TOKENS / seconds);
        }
    }

    private static void score(Transformer model, KvCache cache, int[] ids) {
        int batchWindows = Math.min(WINDOWS, model.limits().batchTokens() / WINDOW_TOKENS);
        for (int from = 0; from < WINDOWS; from += batchWindows) {
            var batch = new TokenBatch();
            List<KvCache.Sequence> contexts = new ArrayList<>();
            int first = from * WINDOW_TOKENS;
            for (int window = from; window < Math.min(from + batchWindows, WINDOWS); window++) {
                contexts.add(cache.newSequence());
                int begin = window * WINDOW_TOKENS;
                batch.add(contexts.getLast(), Arrays.copyOfRange(ids, begin, begin + WINDOW_TOKENS));
            }
            Matrix hidden = model.forward(batch, cache);
            int step = model.limits().logitRows();
            for (int row = 0; row < batch.tokens(); row += step) {
                int to = Math.min(row + step, batch.tokens());
                Matrix logits = model.logits(hidden, IntStream.range(row, to).toArray());
                model.losses(logits, Arrays.copyOfRange(ids, first + row, first + to));
            }
            contexts.forEach(KvCache.Sequence::close);
        }
    }

    private static void generation(ModelLoader loader, ModelSpec spec, int[] ids) {
        try (Transformer model = loader.load(RunLimits.forGeneration(spec, PROMPT_TOKENS + NEW_TOKENS))) {
            var generator = new Generator(model);
            List<Integer> prompt = Arrays.stream(ids, 0, PROMPT_TOKENS).boxed().toList();
            double seconds = medianSeconds(
                    () -> generator.generate(prompt, NEW_TOKENS, SamplingOptions.greedy(), JobMonitor.none()));
            report("large model, greedy tokens/s", NEW_TOKENS / seconds);
        }
    }

    private static double medianSeconds(Runnable run) {
        run.run();
        double[] seconds = new double[REPEATS];
        for (int i = 0; i < REPEATS; i++) {
            long start = System.nanoTime();
            run.run();
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        Arrays.sort(seconds);
        return seconds[REPEATS / 2];
    }

    private static void report(String name, double value) {
        System.out.printf(Locale.ROOT, "{\"check\": \"%s\", \"value\": %.6f, \"passed\": true}%n", name, value);
    }
}
