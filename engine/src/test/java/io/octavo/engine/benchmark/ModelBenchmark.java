package io.octavo.engine.benchmark;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.generate.Generator;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Tokens per second of perplexity (batch 8 x 512) and of greedy generation (batch 1, 100 tokens).
 *
 * <p>Arguments: model folder, text file, threads. Prints one JSON line a measurement, medians.
 */
final class ModelBenchmark {

    private static final int WINDOWS = 8;
    private static final int WINDOW_TOKENS = 512;
    private static final int LOGIT_ROWS = 1024;
    private static final int NEW_TOKENS = 100;
    private static final List<Integer> PROMPT = List.of(0, 497, 737, 440, 859, 473, 282, 264, 1865, 284);

    private ModelBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        String text = Files.readString(Path.of(arguments[1]));
        int threads = Integer.parseInt(arguments[2]);
        try (Backend backend = Backends.cpu(threads);
                Checkpoint checkpoint = Checkpoint.open(folder);
                Tokenizer tokenizer = Tokenizer.open(folder)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            ModelLoader loader = new ModelLoader(backend, checkpoint, spec);
            perplexity(loader, tokenizer.encode(text), threads);
            generation(loader, threads);
        }
    }

    private static void perplexity(ModelLoader loader, int[] ids, int threads) {
        int tokens = WINDOWS * WINDOW_TOKENS;
        try (Transformer model = loader.load(new RunLimits(tokens, WINDOWS, WINDOW_TOKENS, LOGIT_ROWS));
                KvCache cache = model.newCache(WINDOWS, WINDOW_TOKENS)) {
            double seconds = medianSeconds(9, 7, () -> score(model, cache, ids));
            report("perplexity, f32, batch 8 x 512", threads, tokens / seconds);
        }
    }

    private static void score(Transformer model, KvCache cache, int[] ids) {
        List<KvCache.Sequence> contexts = new ArrayList<>();
        TokenBatch batch = new TokenBatch();
        for (int w = 0; w < WINDOWS; w++) {
            int from = w * WINDOW_TOKENS;
            int[] input = Arrays.copyOfRange(ids, from, from + WINDOW_TOKENS - 1);
            contexts.add(cache.newSequence());
            batch.add(
                    contexts.getLast(),
                    IntStream.concat(IntStream.of(0), IntStream.of(input)).toArray());
        }
        Matrix hidden = model.forward(batch, cache);
        for (int from = 0; from < batch.tokens(); from += LOGIT_ROWS) {
            int to = Math.min(from + LOGIT_ROWS, batch.tokens());
            Matrix logits = model.logits(hidden, IntStream.range(from, to).toArray());
            model.losses(logits, Arrays.copyOfRange(ids, from, to));
        }
        contexts.forEach(KvCache.Sequence::close);
    }

    private static void generation(ModelLoader loader, int threads) {
        RunLimits limits = new RunLimits(PROMPT.size(), 1, PROMPT.size() + NEW_TOKENS, 1);
        try (Transformer model = loader.load(limits)) {
            Generator generator = new Generator(model);
            double seconds = medianSeconds(
                    9, 5, () -> generator.generate(PROMPT, NEW_TOKENS, SamplingOptions.greedy(), JobMonitor.none()));
            report("greedy generation, batch 1, f32, 100 tokens", threads, NEW_TOKENS / seconds);
        }
    }

    private static double medianSeconds(int warmups, int repeats, Runnable run) {
        IntStream.range(0, warmups).forEach(i -> run.run());
        double[] seconds = new double[repeats];
        for (int i = 0; i < repeats; i++) {
            long start = System.nanoTime();
            run.run();
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        Arrays.sort(seconds);
        return seconds[repeats / 2];
    }

    private static void report(String work, int threads, double tokensPerSecond) {
        System.out.printf(
                Locale.ROOT,
                "{\"work\": \"%s\", \"threads\": %d, \"tokens_per_second\": %.1f}%n",
                work,
                threads,
                tokensPerSecond);
    }
}
