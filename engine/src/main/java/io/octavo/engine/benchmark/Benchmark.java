package io.octavo.engine.benchmark;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.plan.EvaluationPlan;
import io.octavo.engine.plan.PreFlight;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServedModels;
import io.octavo.engine.serve.ServingHealth;
import io.octavo.engine.serve.ServingLimits;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.engine.transformer.KvCache;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Serves a baseline and what was made of it in turn, under the same load, and measures both. */
public final class Benchmark {

    private static final int SEQUENCES = 64;

    /** Shares of a model's progress. */
    private static final double LOADED = 0.1;

    private static final double WARM = 0.3;

    private static final int MOST_ROUNDS = 30;

    /** What counts as faster than the best round before, and how many rounds in turn must not be. */
    private static final double FASTER = 1.05;

    private static final int STEADY_ROUNDS = 3;
    private static final ServingFigures.Memory NO_MEMORY = new ServingFigures.Memory(0, 0, 0, 0, 0, 0);

    private final BenchmarkRequest request;
    private final Supplier<Backend> backends;

    private Benchmark(BenchmarkRequest request, Supplier<Backend> backends) {
        this.request = request;
        this.backends = backends;
    }

    /**
     * @param backends opens the device anew for each model, which closes it
     * @throws QuantizationException what is wrong with a checkpoint, {@code prompt-too-long} where a model has no room for
     *     the longest prompt and text, or what failed a request
     * @throws JobCancelledException within a fraction of a second once the monitor asks for it; while a model is loaded,
     *     after a layer
     */
    public static BenchmarkResult run(BenchmarkRequest request, Supplier<Backend> backends, JobMonitor monitor) {
        var benchmark = new Benchmark(request, backends);
        Measured baseline = benchmark.measure(request.baseline(), "baseline", monitor.part(0, 0.5));
        Measured source = benchmark.measure(request.source(), "source", monitor.part(0.5, 1));
        return new BenchmarkResult(source.device, request.load(), source.figures, baseline.figures);
    }

    private record Measured(String device, ServingFigures figures) {}

    private Measured measure(Path folder, String role, JobMonitor monitor) {
        monitor.checkpoint();
        monitor.phase("load " + role);
        PeakMemory.reset();
        Facts facts = Facts.of(folder);
        Backend backend = backends.get();
        String device = backend.description();
        DType cacheType =
                Optional.ofNullable(request.cacheType()).or(facts::cacheType).orElse(backend.productInput());
        long freeBefore = backend.freeMemoryBytes();
        try (ServedModel model = ServedModels.open(backend, folder, options(), monitor)) {
            long deviceBytes = Math.max(0, freeBefore - backend.freeMemoryBytes());
            ServingLimits limits = requireRoom(model.limits(), role);
            monitor.progress(LOADED);
            Load load = request.load();
            monitor.phase("warm up " + role);
            warmUp(model, load, monitor);
            monitor.phase("measure " + role);
            ServingHealth before = model.health();
            var pages = new PeakPages();
            List<RequestTimes> times =
                    new LoadRun(model, load.planned()).run(load.arrival(), monitor.part(WARM, 1), pages);
            var memory = new ServingFigures.Memory(
                    facts.plan.weightBytes(),
                    limits.pages() * KvCache.pageBytes(facts.spec, cacheType),
                    (long) limits.pages() * limits.pageTokens(),
                    (long) pages.most * limits.pageTokens(),
                    PeakMemory.bytes(),
                    deviceBytes);
            long preemptions = model.health().preemptions() - before.preemptions();
            return new Measured(device, ServingFigures.of(facts.plan.label(), times, preemptions, memory));
        }
    }

    /**
     * Rounds of requests until one is no faster than the best before it, so that the model that comes first does not pay
     * for what the process compiles, and the second one does not gain by it.
     */
    private static void warmUp(ServedModel model, Load load, JobMonitor monitor) {
        int clients = Math.min(load.warmUpRequests(), model.limits().maxSequences());
        double best = 0;
        int slower = 0;
        for (int round = 0; clients > 0 && round < MOST_ROUNDS && slower < STEADY_ROUNDS; round++) {
            double share = WARM - LOADED;
            JobMonitor part =
                    monitor.part(LOADED + share * round / MOST_ROUNDS, LOADED + share * (round + 1) / MOST_ROUNDS);
            List<RequestTimes> times = new LoadRun(model, load.warmUp(round))
                    .run(new Load.Arrival.ClosedLoop(clients), part, served -> {});
            double rate = ServingFigures.of("", times, 0, NO_MEMORY).totalTokensPerSecond();
            slower = rate < best * FASTER ? slower + 1 : 0;
            best = Math.max(best, rate);
        }
    }

    private ServingOptions options() {
        int sequences = request.maxSequences() != null
                ? request.maxSequences()
                : request.load().arrival() instanceof Load.Arrival.ClosedLoop loop
                        ? Math.min(loop.concurrency(), ServingOptions.MOST_SEQUENCES)
                        : SEQUENCES;
        // All that come may wait: a request that is turned away would not count. Prompts are random, so none begins
        // another.
        return new ServingOptions(
                request.load().mostTokens(),
                sequences,
                null,
                null,
                request.cacheType(),
                false,
                Load.MOST_REQUESTS,
                Load.MOST_REQUESTS,
                null);
    }

    private ServingLimits requireRoom(ServingLimits limits, String role) {
        int most = request.load().mostTokens();
        if (limits.maxModelLength() < most) {
            throw new QuantizationException(
                    ErrorCode.PROMPT_TOO_LONG,
                    "the load has prompts and texts of up to " + most + " tokens together, the " + role
                            + " or its cache holds " + limits.maxModelLength());
        }
        return limits;
    }

    /**
     * What a checkpoint's headers tell.
     *
     * @param cacheType that it has scales for, as its config says
     */
    private record Facts(EvaluationPlan plan, ModelSpec spec, Optional<DType> cacheType) {

        static Facts of(Path folder) {
            try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                return new Facts(
                        PreFlight.evaluation(checkpoint),
                        Architectures.read(checkpoint.config().tree()),
                        Label.of(checkpoint)
                                .kvCache()
                                .map(cache -> cache.type().equals("FP8") ? DType.F8_E4M3 : DType.I8));
            }
        }
    }

    /** The most pages that texts had whenever somebody looked. */
    private static final class PeakPages implements Consumer<ServedModel> {

        private int most;

        @Override
        public void accept(ServedModel model) {
            ServingHealth health = model.health();
            most = Math.max(most, health.pages() - health.freePages());
        }
    }
}
