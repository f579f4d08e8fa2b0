package io.octavo.engine.benchmark;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.compressed.CompressedTensors;
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

/**
 * The device memory that pre-flight says of a calibrated job beside the most that the job has asked a GPU for at a time.
 *
 * <p>Arguments: model folder, folder of datasets, scratch folder. Prints one JSON line a check, for {@code
 * kernels/gpu-check.sh}.
 */
final class GpuMemoryCheck {

    private static final double NEAR = 0.2;

    private GpuMemoryCheck() {}

    public static void main(String[] arguments) {
        Path model = Path.of(arguments[0]);
        Path target = Path.of(arguments[2]).resolve(model.getFileName() + "-memory");
        var request = new QuantizationRequest(model, target, new Recipe("FP8", CompressedTensors.NAME, List.of()))
                .withCalibration(new CalibrationData(Path.of(arguments[1]).resolve("books-heldout.txt"), 1, 512, 0));
        long planned;
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            planned = PreFlight.quantization(checkpoint, request.recipe())
                    .resources()
                    .deviceBytes();
        }
        int threads = Runtime.getRuntime().availableProcessors();
        try (Backend backend = Backends.open("cuda", threads)) {
            var meter = new BackendMeter(backend);
            new Quantizer(meter.backend(), threads).quantize(request, JobMonitor.none());
            long peak = meter.peakBytes();
            System.out.printf(
                    "{\"check\": \"planned device memory / most in use (%d bytes)\", \"value\": %.4f, \"passed\": %b}%n",
                    peak, (double) planned / peak, Math.abs(planned - peak) <= NEAR * peak);
        }
    }
}
