package io.octavo.worker.run;

import io.octavo.engine.Engine;
import io.octavo.engine.benchmark.PeakMemory;
import io.octavo.engine.report.EvaluationComparison;
import io.octavo.engine.report.HarnessReport;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.request.TaskResult;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.jobs.spec.TaskSpec;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.source.ResolvedSource;
import io.octavo.worker.source.SourceResolver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Scores a checkpoint on tasks, its baseline on the same, and compares. */
@Component
class EvaluateJobRunner {

    private static final double FETCHED = 0.1;

    private final SourceResolver sources;
    private final EngineFactory engines;
    private final ArtifactService artifacts;
    private final DeviceProperties device;

    EvaluateJobRunner(
            SourceResolver sources, EngineFactory engines, ArtifactService artifacts, DeviceProperties device) {
        this.sources = sources;
        this.engines = engines;
        this.artifacts = artifacts;
        this.device = device;
    }

    Runnable run(EvaluateSpec spec, Attempt attempt, JobScratch scratch) {
        attempt.phase("fetch");
        ResolvedSource source = fetch(spec.source(), "source", attempt, scratch);
        ResolvedSource baseline = spec.baseline() == null ? null : fetch(spec.baseline(), "baseline", attempt, scratch);
        List<EvaluationTask> tasks = tasks(spec, baseline, attempt, scratch);
        List<EvaluationTask> baselineTasks =
                tasks.stream().filter(task -> !task.comparing()).toList();
        double half = baseline == null || baselineTasks.isEmpty() ? 1.0 : (1.0 + FETCHED) / 2;
        EvaluationResult scores;
        EvaluationResult baselineScores;
        try (Engine engine = engines.open(device.asWanted(spec.device()))) {
            attempt.uses(engine);
            attempt.log("evaluating " + source.uri() + " on " + engine.device());
            scores = engine.evaluate(new EvaluationRequest(source.folder(), tasks), attempt.section(FETCHED, half));
            baselineScores = baseline == null || baselineTasks.isEmpty()
                    ? null
                    : engine.evaluate(
                            new EvaluationRequest(baseline.folder(), baselineTasks), attempt.section(half, 1));
        }
        var comparison = new EvaluationComparison(scores, baselineScores);
        EvaluationReport report = new EvaluationReport(comparison);
        report.metrics().forEach(attempt::metric);
        scores.tasks().forEach(task -> measure(task, attempt));
        ObjectNode result = comparison.toJson().put("peakRssBytes", PeakMemory.bytes());
        result.set(
                "lmEval",
                HarnessReport.of(spec.source().toString(), new EvaluationRequest(source.folder(), tasks), scores));
        List<GateResult> gates = report.judge(spec.gates());
        if (!gates.isEmpty()) {
            ArrayNode judged = result.putArray("gates");
            gates.forEach(gate -> judged.add(gate.toJson()));
        }
        Optional<Failure> failure = GateResult.failure(gates);
        return () -> artifacts.commitEvaluation(attempt.lease(), source.uri(), result, failure);
    }

    private static void measure(TaskResult task, Attempt attempt) {
        if (task instanceof TaskResult.Perplexity perplexity && task.duration().isPositive()) {
            attempt.tokensPerSecond((double) perplexity.tokens() / Seconds.of(task.duration()));
        }
    }

    private ResolvedSource fetch(SourceUri uri, String folder, Attempt attempt, JobScratch scratch) {
        return sources.checkpoint(attempt.tenant(), uri, scratch.folder(folder), attempt.section(0, FETCHED));
    }

    private List<EvaluationTask> tasks(
            EvaluateSpec spec, @Nullable ResolvedSource baseline, Attempt attempt, JobScratch scratch) {
        List<EvaluationTask> tasks = new ArrayList<>();
        for (TaskSpec task : spec.tasks()) {
            var folder = scratch.folder("data-" + tasks.size());
            var monitor = attempt.section(0, FETCHED);
            tasks.add(
                    switch (task) {
                        case TaskSpec.Perplexity perplexity ->
                            new EvaluationTask.Perplexity(
                                    perplexity.name(),
                                    sources.dataset(attempt.tenant(), perplexity.dataset(), folder, monitor)
                                            .path(),
                                    perplexity.windowing(),
                                    optional(perplexity.maxWindows()));
                        case TaskSpec.Divergence divergence ->
                            new EvaluationTask.Divergence(
                                    divergence.name(),
                                    sources.dataset(attempt.tenant(), divergence.dataset(), folder, monitor)
                                            .path(),
                                    divergence.windowTokens(),
                                    optional(divergence.maxWindows()),
                                    Objects.requireNonNull(baseline, "the reader requires it")
                                            .folder());
                        case TaskSpec.Smoke smoke ->
                            new EvaluationTask.Smoke(
                                    smoke.name(),
                                    Objects.requireNonNull(baseline, "the reader requires it")
                                            .folder());
                        case TaskSpec.MultipleChoice choice ->
                            new EvaluationTask.MultipleChoice(
                                    choice.name(),
                                    items(choice, attempt, folder, monitor),
                                    choice.choiceFormat(),
                                    optional(choice.maxItems()));
                        case TaskSpec.Generation generation ->
                            new EvaluationTask.Generation(
                                    generation.name(),
                                    generation.prompt(),
                                    generation.maxTokens(),
                                    sampling(generation.sampling()));
                    });
        }
        return tasks;
    }

    private Path items(TaskSpec.MultipleChoice choice, Attempt attempt, Path folder, JobMonitor monitor) {
        DatasetReference data = choice.data().orElseThrow();
        if (!data.folder()) {
            return sources.dataset(attempt.tenant(), data, folder, monitor).path();
        }
        sources.dataFolder(attempt.tenant(), data, folder, monitor);
        return folder;
    }

    private static SamplingOptions sampling(TaskSpec.@Nullable Sampling asked) {
        return asked == null
                ? SamplingOptions.greedy()
                : new SamplingOptions(
                        asked.temperature().floatValue(),
                        asked.topK(),
                        asked.topP().floatValue(),
                        (float) asked.minP(),
                        asked.repetitionPenalty().floatValue(),
                        asked.seed());
    }

    private static OptionalInt optional(@Nullable Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }
}
