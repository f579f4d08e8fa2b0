package io.octavo.worker.engine;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.artifact.EngineVersion;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.plan.PreFlight;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.jobs.spec.SchemeInfo;
import java.nio.file.Path;
import java.util.List;

/** The engine in this process. */
public final class LocalEngineFactory implements EngineFactory {

    @Override
    public Engine open(EngineOptions options) {
        return Engines.open(options);
    }

    @Override
    public BenchmarkResult benchmark(EngineOptions options, BenchmarkRequest request, JobMonitor monitor) {
        return Engines.benchmark(options, request, monitor);
    }

    @Override
    public ServedModel serve(EngineOptions options, Path source, ServingOptions serving, JobMonitor monitor) {
        return Engines.serve(options, source, serving, monitor);
    }

    @Override
    public PlanReport plan(CheckpointFiles source, Recipe recipe) {
        try (Checkpoint checkpoint = Checkpoint.ofHeaders(source)) {
            return PreFlight.quantization(checkpoint, recipe);
        }
    }

    @Override
    public List<SchemeInfo> schemes() {
        return Scheme.PRESETS.stream()
                .map(scheme -> new SchemeInfo(scheme.name(), summary(scheme)))
                .toList();
    }

    private static String summary(Scheme scheme) {
        return "weights " + summary(scheme.weights())
                + scheme.inputs().map(inputs -> ", inputs " + summary(inputs)).orElse(", inputs as they are")
                + (scheme.needsCalibration() ? "; needs calibration" : "");
    }

    private static String summary(Quantization quantization) {
        return summary(quantization.type()) + (quantization.symmetric() ? "" : " with zero points") + " "
                + summary(quantization.granularity()) + (quantization.dynamic() ? " while the model runs" : "");
    }

    private static String summary(NumberType type) {
        return switch (type) {
            case NumberType.IntType integers -> "INT" + integers.bits();
            case NumberType.FloatType floats -> floats.name();
        };
    }

    private static String summary(Granularity granularity) {
        return switch (granularity) {
            case Granularity.PerTensor perTensor -> "per tensor";
            case Granularity.PerChannel perChannel -> "per channel";
            case Granularity.PerToken perToken -> "per token";
            case Granularity.PerGroup group -> "per group of " + group.size();
            case Granularity.PerTensorGroup group -> "per group of " + group.size() + " and per tensor";
            case Granularity.PerHead perHead -> "per head";
            case Granularity.PerBlock block -> "per block of " + block.rows() + " x " + block.columns();
        };
    }

    @Override
    public List<String> layouts() {
        return Layout.ids();
    }

    @Override
    public String version() {
        return EngineVersion.build();
    }
}
