package io.octavo.engine;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.benchmark.Benchmark;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServedModels;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;

/** Opens engines. Whoever opens one closes it. */
public final class Engines {

    private Engines() {}

    /**
     * @throws QuantizationException {@code backend-unavailable} if the device was asked for and cannot be had
     */
    public static Engine open(EngineOptions options) {
        Backend backend = backend(options);
        return new LocalEngine(() -> backend, options.threads());
    }

    /**
     * The same without waiting for the device, which opens beside whatever does not need it yet. What needs it waits, and
     * throws what {@link #open} does.
     */
    public static Engine openBeside(EngineOptions options) {
        var device = new FutureTask<>(() -> backend(options));
        Thread.ofPlatform().daemon().name("octavo-open").start(device);
        return new LocalEngine(() -> BackgroundTasks.await(device, JobMonitor.none()), options.threads());
    }

    /**
     * Loads a checkpoint folder and serves it until the result is closed, on a device of its own.
     *
     * @param monitor may stop it while it is loaded
     * @throws QuantizationException {@code backend-unavailable}, or what is wrong with the checkpoint
     */
    public static ServedModel serve(EngineOptions options, Path source, ServingOptions serving, JobMonitor monitor) {
        return ServedModels.open(backend(options), source, serving, monitor);
    }

    /**
     * Serves two checkpoint folders in turn under the same load, on a device of its own.
     *
     * @throws QuantizationException {@code backend-unavailable}, or what {@link Benchmark#run} says
     */
    public static BenchmarkResult benchmark(EngineOptions options, BenchmarkRequest request, JobMonitor monitor) {
        return LocalEngine.onDevice(() -> Benchmark.run(request, () -> backend(options), monitor));
    }

    private static Backend backend(EngineOptions options) {
        try {
            return Backends.open(options.device(), options.threads());
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new QuantizationException(
                    ErrorCode.BACKEND_UNAVAILABLE, "device " + options.device() + ": " + e.getMessage(), e);
        }
    }
}
