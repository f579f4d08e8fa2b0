package io.octavo.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.transformer.BackendMeter;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is planned beside what a backend is asked for, over whole calibrated jobs. */
class CalibrationMemoryTest {

    private static final Percentage NEAR = Percentage.withPercentage(20);

    @TempDir
    Path folder;

    @Test
    void ofASmallModelIsWhatTheLongestTextTakes() {
        assertThat(planned(TestModels.books5m(), recipe("W8A8_STATIC"), 512))
                .isCloseTo(peak(TestModels.books5m(), recipe("W8A8_STATIC"), 512), NEAR);
    }

    /** As many modules at once as there are threads for, if those find them at the same time. */
    @Test
    void ofShortTextsArePiecesOfManyModulesAtOnce() {
        Recipe recipe = recipe("FP8").withModifiers(List.of(new SmoothQuant(0.5)));
        long planned = planned(TestModels.books5m(), recipe, 32);
        assertThat(peak(TestModels.books5m(), recipe, 32)).isBetween(planned / 2, planned);
    }

    @Test
    void ofLayersAsThoseOf8bAreTheirWeights() throws IOException {
        Path source = folder.resolve("8b");
        Files.createDirectories(source);
        SparseCheckpoint.layerOf8b(source);
        Files.copy(TestModels.books5m().resolve("tokenizer.json"), source.resolve("tokenizer.json"));
        assertThat(planned(source, recipe("FP8"), 64)).isCloseTo(peak(source, recipe("FP8"), 64), NEAR);
    }

    private static Recipe recipe(String scheme) {
        return new Recipe(scheme, CompressedTensors.NAME, List.of());
    }

    private QuantizationRequest request(Path source, Recipe recipe, int tokens) {
        return new QuantizationRequest(source, folder.resolve("out"), recipe)
                .withCalibration(new CalibrationData(TestModels.calibrationTexts(), 1, tokens, 0));
    }

    private long planned(Path source, Recipe recipe, int tokens) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            Recipe calibrated = request(source, recipe, tokens).recipe();
            QuantizationPlan plan = Quantizer.plan(checkpoint, calibrated);
            return PreFlight.deviceBytes(plan, PreFlight.calibration(checkpoint, plan, calibrated, DType.F32));
        }
    }

    private long peak(Path source, Recipe recipe, int tokens) {
        try (Backend backend = Backends.cpu(2)) {
            var meter = new BackendMeter(backend);
            new Quantizer(meter.backend(), PreFlight.DEVICE_THREADS)
                    .quantize(request(source, recipe, tokens), JobMonitor.none());
            return meter.peakBytes();
        }
    }
}
