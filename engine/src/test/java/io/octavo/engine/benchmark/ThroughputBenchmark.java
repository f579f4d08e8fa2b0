package io.octavo.engine.benchmark;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServedModels;
import io.octavo.engine.serve.ServingLimits;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tokens a second of a model of full size on a GPU, as a worker serves it: rounds of requests that come at once, each of random
 * tokens and as long a text as is asked for. {@code benchmarks/peer_serving.py} is the peer.
 *
 * <p>Arguments: a folder for checkpoints, {@code 13b} or {@code 8b}, a tokenizer's file, streams (0 for as many as the cache
 * holds), tokens in, tokens out, rounds before those that are measured, rounds that are, and cases: {@code BF16} or a scheme, with
 * {@code +INT8} or {@code +FP8} for a cache of that. Weights are random, written once; those of schemes that no model is
 * rounded to as it is loaded are quantized once, beside them. Prints one JSON line a case, of medians. {@code -Doctavo.benchmark.batchTokens} says how many tokens a step has at most.
 */
final class ThroughputBenchmark {

    private static final Set<String> ROUNDED_AT_LOAD = Set.of("FP8_DYNAMIC", "FP8_W8A16", "W8A8", "W8A16_CHANNEL");

    /** Batches of multiples of it are recorded. */
    private static final int STREAM_STEP = 8;

    /** For the compiler, before the first round. */
    private static final int WARM_UP_REQUESTS = 64;

    private static final int WARM_UP_TOKENS = 32;

    private final Path folder;
    private final Path tokenizer;
    private final int wantedStreams;
    private final int input;
    private final int output;
    private final int roundsBefore;
    private final int rounds;

    private ThroughputBenchmark(List<String> arguments) {
        this.folder = Path.of(arguments.get(0));
        this.tokenizer = Path.of(arguments.get(2));
        this.wantedStreams = Integer.parseInt(arguments.get(3));
        this.input = Integer.parseInt(arguments.get(4));
        this.output = Integer.parseInt(arguments.get(5));
        this.roundsBefore = Integer.parseInt(arguments.get(6));
        this.rounds = Integer.parseInt(arguments.get(7));
    }

    public static void main(String[] arguments) throws IOException {
        List<String> given = List.of(arguments);
        var benchmark = new ThroughputBenchmark(given);
        SyntheticLlama shape =
                given.get(1).equals("13b") ? SyntheticLlama.like13b() : SyntheticLlama.like8b(32, 128_256);
        Path source = benchmark.folder.resolve("source");
        shape.write(source);
        benchmark.addTokenizer(source);
        for (String name : given.subList(8, given.size())) {
            benchmark.measure(given.get(1), name, source);
        }
    }

    private void addTokenizer(Path model) throws IOException {
        Path target = model.resolve("tokenizer.json");
        if (!Files.exists(target)) {
            Files.copy(tokenizer, target);
        }
    }

    private static Load load(int requests, int input, int output) {
        return new Load(
                requests,
                0,
                new Load.Arrival.ClosedLoop(requests),
                new Lengths.Fixed(input),
                new Lengths.Fixed(output),
                0);
    }

    private void measure(String shape, String name, Path source) throws IOException {
        List<String> parts = List.of(name.split("\\+", 2));
        String scheme = parts.getFirst();
        DType cache = parts.size() == 1 ? DType.BF16 : parts.getLast().equals("INT8") ? DType.I8 : DType.F8_E4M3;
        boolean roundedAtLoad = ROUNDED_AT_LOAD.contains(scheme);
        Path model = roundedAtLoad || scheme.equals("BF16") ? source : quantized(source, scheme);
        ServingOptions options = options(cache, roundedAtLoad ? Scheme.named(scheme) : null);
        long begun = System.nanoTime();
        Backend backend = Backends.open("cuda", Runtime.getRuntime().availableProcessors());
        try (ServedModel served = ServedModels.open(backend, model, options, JobMonitor.none())) {
            double loading = (System.nanoTime() - begun) / 1e9;
            int streams = streams(served.limits());
            run(
                    served,
                    load(
                            Math.min(streams, WARM_UP_REQUESTS),
                            Math.min(input, WARM_UP_TOKENS),
                            Math.min(output, WARM_UP_TOKENS)));
            List<ServingFigures> measured = new ArrayList<>();
            for (int round = 0; round < roundsBefore + rounds; round++) {
                List<RequestTimes> times = run(served, load(streams, input, output));
                measured.add(ServingFigures.of(
                        name, times, served.health().preemptions(), new ServingFigures.Memory(0, 0, 0, 0, 0, 0)));
            }
            report(shape, loading, measured.subList(roundsBefore, measured.size()));
        }
    }

    private static List<RequestTimes> run(ServedModel served, Load load) {
        return new LoadRun(served, load.planned()).run(load.arrival(), JobMonitor.none(), look -> {});
    }

    /** @param rounding of plain weights as they are loaded; null for none */
    private ServingOptions options(DType cache, @Nullable Scheme rounding) {
        int sequences = wantedStreams == 0 ? ServingOptions.MOST_SEQUENCES : wantedStreams;
        return new ServingOptions(
                input + output,
                sequences,
                Integer.getInteger("octavo.benchmark.batchTokens"),
                null,
                cache,
                false,
                Load.MOST_REQUESTS,
                Load.MOST_REQUESTS,
                rounding);
    }

    private int streams(ServingLimits limits) {
        if (wantedStreams > 0) {
            return wantedStreams;
        }
        int held = limits.pages() / Math.ceilDiv(input + output, limits.pageTokens());
        return Math.min(held, limits.maxSequences()) / STREAM_STEP * STREAM_STEP;
    }

    private Path quantized(Path source, String scheme) throws IOException {
        Path target = folder.resolve(scheme);
        if (!Files.exists(target)) {
            var request =
                    new QuantizationRequest(source, target, new Recipe(scheme, CompressedTensors.NAME, List.of()));
            try (Engine engine =
                    Engines.open(new EngineOptions("cuda", Runtime.getRuntime().availableProcessors()))) {
                engine.quantize(request, JobMonitor.none());
            }
            addTokenizer(target);
        }
        return target;
    }

    private void report(String shape, double loading, List<ServingFigures> measured) {
        List<ServingFigures> sorted = measured.stream()
                .sorted(Comparator.comparingDouble(ServingFigures::outputTokensPerSecond))
                .toList();
        ServingFigures median = sorted.get(sorted.size() / 2);
        System.out.printf(
                Locale.ROOT,
                "{\"shape\": \"%s\", \"case\": \"%s\", \"streams\": %d, \"in\": %d, \"out\": %d, \"tokens_per_second\": %.1f,"
                        + " \"least\": %.1f, \"most\": %.1f, \"first_ms\": %.1f, \"between_ms_p50\": %.2f,"
                        + " \"between_ms_p99\": %.2f, \"preemptions\": %d, \"load_s\": %.1f}%n",
                shape,
                median.label(),
                median.requests(),
                input,
                output,
                median.outputTokensPerSecond(),
                sorted.getFirst().outputTokensPerSecond(),
                sorted.getLast().outputTokensPerSecond(),
                median.timeToFirstToken().p50(),
                median.interTokenLatency().p50(),
                median.interTokenLatency().p99(),
                median.preemptions(),
                loading);
    }
}
