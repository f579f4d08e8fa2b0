package io.octavo.worker.run;

import io.octavo.engine.benchmark.BenchmarkReport;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.benchmark.Lengths;
import io.octavo.engine.benchmark.Load;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.source.ResolvedSource;
import io.octavo.worker.source.SourceResolver;
import org.springframework.stereotype.Component;
import tools.jackson.databind.node.ObjectNode;

/** Serves a baseline and a checkpoint in turn, and measures both under the same load. */
@Component
class BenchmarkJobRunner {

    private static final double FETCHED = 0.1;

    private final SourceResolver sources;
    private final EngineFactory engines;
    private final JobQueue queue;
    private final DeviceProperties device;

    BenchmarkJobRunner(SourceResolver sources, EngineFactory engines, JobQueue queue, DeviceProperties device) {
        this.sources = sources;
        this.engines = engines;
        this.queue = queue;
        this.device = device;
    }

    Runnable run(BenchmarkSpec spec, Attempt attempt, JobScratch scratch) {
        attempt.phase("fetch");
        ResolvedSource source = sources.checkpoint(
                attempt.tenant(), spec.source(), scratch.folder("source"), attempt.section(0, FETCHED / 2));
        ResolvedSource baseline = sources.checkpoint(
                attempt.tenant(), spec.baseline(), scratch.folder("baseline"), attempt.section(FETCHED / 2, FETCHED));
        BenchmarkRequest request = BenchmarkRequest.of(
                source.folder(), baseline.folder(), load(spec), spec.maxSequences(), spec.kvCache());
        attempt.log("measuring " + source.uri() + " beside " + baseline.uri());
        BenchmarkResult measured =
                engines.benchmark(device.asWanted(spec.device()), request, attempt.section(FETCHED, 1));
        for (BenchmarkReport.Row row : BenchmarkReport.rows(measured)) {
            attempt.metric(row.name(), row.source());
        }
        ObjectNode result = BenchmarkReport.json(measured);
        return () -> queue.complete(attempt.lease(), result);
    }

    private static Load load(BenchmarkSpec spec) {
        Double rate = spec.requestsPerSecond();
        Integer concurrency = spec.concurrency();
        Load.Arrival arrival;
        if (rate != null) {
            arrival = new Load.Arrival.Poisson(rate);
        } else if (concurrency != null) {
            arrival = new Load.Arrival.ClosedLoop(concurrency);
        } else {
            throw new IllegalStateException("one of them is there by default");
        }
        return new Load(
                spec.requests(),
                spec.warmUpRequests(),
                arrival,
                lengths(spec.inputTokens()),
                lengths(spec.outputTokens()),
                spec.seed());
    }

    private static Lengths lengths(BenchmarkSpec.Length asked) {
        return switch (asked) {
            case BenchmarkSpec.FixedLength fixed -> new Lengths.Fixed(fixed.tokens());
            case BenchmarkSpec.UniformLength uniform -> new Lengths.Uniform(uniform.min(), uniform.max());
            case BenchmarkSpec.LognormalLength normal ->
                new Lengths.LogNormal(normal.median(), normal.sigma(), normal.max());
        };
    }
}
