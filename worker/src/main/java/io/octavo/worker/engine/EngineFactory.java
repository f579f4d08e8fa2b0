package io.octavo.worker.engine;

import io.octavo.engine.Engine;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.jobs.spec.SchemeInfo;
import java.nio.file.Path;
import java.util.List;

/** Opens engines and tells what they can write. */
public interface EngineFactory {

    /** Whoever opens an engine closes it. */
    Engine open(EngineOptions options);

    /** Serves two checkpoints in turn under the same load, on a device of its own. */
    BenchmarkResult benchmark(EngineOptions options, BenchmarkRequest request, JobMonitor monitor);

    /**
     * Loads a checkpoint folder to be served; whoever opens it closes it.
     *
     * @param monitor may stop it meanwhile
     */
    ServedModel serve(EngineOptions options, Path source, ServingOptions serving, JobMonitor monitor);

    /** What a quantization would do, told from headers; throws what the quantization itself would throw. */
    PlanReport plan(CheckpointFiles source, Recipe recipe);

    List<SchemeInfo> schemes();

    List<String> layouts();

    /** Goes into the lineage of artifacts; one that could write other bytes has another. */
    String version();
}
