package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests beyond one scheme that needs no data. */
class RecipeTest {

    @TempDir
    Path folder;

    @Test
    void givesModulesSchemesOfTheirOwn() {
        quantize(request("FP8_DYNAMIC")
                .with(recipe -> recipe.withOverrides(List.of(
                        new SchemeOverride("W4A16_G32", List.of("re:.*\\.mlp\\.(gate|up)_proj$")),
                        new SchemeOverride("FP8_W8A16", List.of("model.layers.0.mlp.down_proj"))))));
        try (Checkpoint written = Checkpoint.open(folder.resolve("out"))) {
            QuantizedModules modules = CompressedTensors.read(written);
            assertThat(modules.byName()).hasSize(28);
            assertThat(modules.find("model.layers.2.mlp.up_proj")
                            .orElseThrow()
                            .weight()
                            .quantization())
                    .isEqualTo(Scheme.named("W4A16_G32").weights());
            assertThat(modules.find("model.layers.0.mlp.down_proj")
                            .orElseThrow()
                            .inputs())
                    .isEmpty();
            assertThat(modules.find("model.layers.1.mlp.down_proj")
                            .orElseThrow()
                            .inputs())
                    .isPresent();
            assertThat(written.config()
                            .quantizationConfig()
                            .orElseThrow()
                            .path("format")
                            .stringValue())
                    .isEqualTo("mixed-precision");
        }
    }

    @Test
    void refusesDifferentSchemesForPartsThatLoadersFuse() {
        var request = request("FP8_DYNAMIC")
                .with(recipe ->
                        recipe.withOverrides(List.of(new SchemeOverride("W4A16_G32", List.of("re:.*\\.gate_proj$")))));
        assertRefused(request, ErrorCode.IGNORE_INVALID, "give all parts one scheme");
    }

    @Test
    void refusesOverridesThatNameNothing() {
        var request = request("FP8_DYNAMIC")
                .with(recipe -> recipe.withOverrides(
                        List.of(new SchemeOverride("W4A16_G32", List.of("model.layers.9.mlp.up_proj")))));
        assertRefused(request, ErrorCode.IGNORE_INVALID, "matches no module");
    }

    @Test
    void refusesShapesThatASchemeDoesNotDivide() {
        assertRefused(request("W4A16"), ErrorCode.SCHEME_UNSUITABLE, "inFeatures 704 is not divisible by 128");
        assertRefused(request("FP8_BLOCK"), ErrorCode.SCHEME_UNSUITABLE, "704 is not divisible by 128");
    }

    @Test
    void refusesOneScaleForProjectionsThatAreStoredAsOne() throws IOException {
        var request = new QuantizationRequest(
                        GeneratedModel.write("phi3", folder.resolve("source")),
                        folder.resolve("out"),
                        new Recipe("FP8", CompressedTensors.NAME, List.of()))
                .withCalibration(new CalibrationData(TestModels.calibrationTexts(), 1, 16, 0));
        assertRefused(request, ErrorCode.SCHEME_UNSUITABLE, "stored as one matrix of several projections");
    }

    @Test
    void writesBlocksWhereTheyFit() {
        var request = new QuantizationRequest(
                TestModels.books5m(),
                folder.resolve("out"),
                new Recipe("FP8_BLOCK", CompressedTensors.NAME, List.of("re:.*\\.mlp\\..*")));
        quantize(request);
        try (Checkpoint written = Checkpoint.open(folder.resolve("out"))) {
            assertThat(CompressedTensors.read(written).byName()).hasSize(16);
            assertThat(written.tensor("model.layers.0.self_attn.q_proj.weight_scale")
                            .shape())
                    .containsExactly(2L, 2L);
        }
    }

    @Test
    void refusesStoredScalesOfActivationsWithoutData() {
        assertRefused(request("FP8"), ErrorCode.CALIBRATION_MISSING, "calibration dataset");
        assertRefused(
                request("FP8_DYNAMIC").with(recipe -> recipe.withKvCache(KvCacheQuantization.FP8_PER_TENSOR)),
                ErrorCode.CALIBRATION_MISSING,
                "calibration dataset");
    }

    @Test
    void storesAScaleForEachHeadOfTheCache() {
        quantize(request("FP8_DYNAMIC")
                .with(recipe -> recipe.withKvCache(KvCacheQuantization.FP8_PER_HEAD))
                .withCalibration(new CalibrationData(TestModels.calibrationTexts(), 16, 256, 7)));
        try (Checkpoint written = Checkpoint.open(folder.resolve("out"))) {
            KvCacheScales scales = CompressedTensors.read(written).kvCache().orElseThrow();
            assertThat(scales.byLayer()).hasSize(4);
            assertThat(scales.byLayer().values().iterator().next().keys()).hasSizeGreaterThan(1);
            assertThat(written.tensor("model.layers.0.self_attn.k_scale").shape())
                    .hasSize(3);
        }
    }

    private QuantizationRequest request(String scheme) {
        return new QuantizationRequest(
                TestModels.books5m(), folder.resolve("out"), new Recipe(scheme, CompressedTensors.NAME, List.of()));
    }

    private static void quantize(QuantizationRequest request) {
        try (Backend backend = Backends.cpu(2)) {
            new Quantizer(backend, 2).quantize(request, JobMonitor.none());
        }
    }

    private static void assertRefused(QuantizationRequest request, ErrorCode code, String message) {
        assertThatThrownBy(() -> quantize(request))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message);
    }
}
