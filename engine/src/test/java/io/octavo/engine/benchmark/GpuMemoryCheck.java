package io.octavo.engine.benchmark;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.plan.PreFlight;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.transformer.BackendMeter;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The device memory that pre-flight says of a calibrated job beside the most that the job has asked a GPU for at a time; and of one
 * that solves codes, beside the most that the device had less free.
 *
 * <p>Arguments: model folder, folder of datasets, scratch folder, and optionally samples and tokens of each of the job that
 * solves; no samples for no such job. Prints one JSON line a check, for {@code kernels/gpu-check.sh}.
 */
final class GpuMemoryCheck {

    private static final double NEAR = 0.2;
    private static final long INTERVAL_MILLIS = 5;

    private final Path model;
    private final Path data;
    private final Path target;

    private GpuMemoryCheck(String[] arguments) {
        this.model = Path.of(arguments[0]);
        this.data = Path.of(arguments[1]);
        this.target = Path.of(arguments[2]).resolve(model.getFileName() + "-memory");
    }

    public static void main(String[] arguments) throws InterruptedException {
        var check = new GpuMemoryCheck(arguments);
        int samples = Integer.parseInt(arguments.length > 3 ? arguments[3] : "16");
        int tokens = Integer.parseInt(arguments.length > 4 ? arguments[4] : "512");
        check.observing();
        if (samples > 0) {
            check.solving(samples, tokens);
        }
    }

    private void observing() {
        QuantizationRequest request =
                request("FP8").withCalibration(new CalibrationData(data.resolve("books-heldout.txt"), 1, 512, 0));
        try (Backend backend = Backends.open("cuda", threads())) {
            var meter = new BackendMeter(backend);
            new Quantizer(meter.backend(), threads()).quantize(request, JobMonitor.none());
            report("planned device memory / most in use", planned(request), meter.peakBytes());
        }
    }

    /** What operations take for themselves is in it, and what a pool has not given back. */
    private void solving(int samples, int tokens) throws InterruptedException {
        QuantizationRequest request = request("W4A16")
                .withCalibration(new CalibrationData(
                        GpuSolveCheck.texts(data, Objects.requireNonNull(target.getParent()), samples),
                        samples,
                        tokens,
                        0))
                .with(recipe -> recipe.withModifiers(List.of(new Gptq())));
        try (Backend backend = Backends.open("cuda", threads())) {
            long before = backend.freeMemoryBytes();
            var least = new AtomicLong(before);
            Thread sampler = Thread.ofPlatform().daemon().start(() -> {
                try {
                    while (!Thread.currentThread().isInterrupted()) {
                        least.accumulateAndGet(backend.freeMemoryBytes(), Math::min);
                        Thread.sleep(INTERVAL_MILLIS);
                    }
                } catch (InterruptedException e) {
                    // It has seen all of the job.
                }
            });
            new Quantizer(backend, threads()).quantize(request, JobMonitor.none());
            sampler.interrupt();
            sampler.join();
            report("planned device memory of solving / most taken", planned(request), before - least.get());
        }
    }

    private QuantizationRequest request(String scheme) {
        return new QuantizationRequest(
                model, target.resolve(scheme), new Recipe(scheme, CompressedTensors.NAME, List.of()));
    }

    private static long planned(QuantizationRequest request) {
        try (Checkpoint checkpoint = Checkpoint.open(request.source())) {
            return PreFlight.quantization(checkpoint, request.recipe())
                    .resources()
                    .deviceBytes();
        }
    }

    private static int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    private static void report(String name, long planned, long peak) {
        System.out.printf(
                "{\"check\": \"%s (%d bytes)\", \"value\": %.4f, \"passed\": %b}%n",
                name, peak, (double) planned / peak, Math.abs(planned - peak) <= NEAR * peak);
    }
}
