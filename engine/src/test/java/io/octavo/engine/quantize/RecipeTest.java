package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.GeneratedModel;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.scheme.Scheme;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests beyond one scheme that needs no data. */
class RecipeTest {

    @TempDir
    Path folder;

    @Test
    void givesModulesSchemesOfTheirOwn() {
        BooksQuantization.run(request("FP8_DYNAMIC")
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

    @ParameterizedTest
    @CsvSource({
        "lm_head, 'such as lm_head: '",
        "re:.*norm$, 'such as model.layers.0.input_layernorm: '",
        "model.embed_tokens, 'such as model.embed_tokens: embedding'"
    })
    void refusesOverridesOfWhatIsNeverQuantized(String target, String told) {
        var request = request("FP8_DYNAMIC")
                .with(recipe -> recipe.withOverrides(List.of(new SchemeOverride("W8A8", List.of(target)))));
        assertRefused(
                request,
                ErrorCode.IGNORE_INVALID,
                "override target " + target + " matches only modules that are left alone, " + told);
    }

    @ParameterizedTest
    @CsvSource({
        "model.layers.0, 'such as model.layers.0.input_layernorm'",
        "down_proj, 'such as model.layers.0.mlp.down_proj'",
        "model.layers.1.mlp.down_proj.weight, 'such as model.layers.1.mlp.down_proj'",
        "re:mlp, 'of model.layers.0.mlp.down_proj needs re:.* before it'"
    })
    void sayWhatAPatternThatMatchesNothingMayMean(String ignore, String told) {
        var request =
                request("FP8_DYNAMIC").with(recipe -> new Recipe(recipe.scheme(), recipe.layout(), List.of(ignore)));
        assertRefused(request, ErrorCode.IGNORE_INVALID, told);
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
        BooksQuantization.run(request);
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
        BooksQuantization.run(request("FP8_DYNAMIC")
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

    /** Both kinds of scales end where the same largest number lies; one step of BF16 is the most that rounding may differ by. */
    @ParameterizedTest
    @CsvSource({"INT8_PER_TENSOR, FP8_PER_TENSOR, 1", "INT8_PER_HEAD, FP8_PER_HEAD, 2"})
    void storesScalesOfACacheOfIntegers(KvCacheQuantization integers, KvCacheQuantization floats, int scales) {
        var data = new CalibrationData(TestModels.calibrationTexts(), 4, 128, 0);
        BooksQuantization.run(
                request("W8A8").with(recipe -> recipe.withKvCache(integers)).withCalibration(data));
        BooksQuantization.run(request("W8A8")
                .with(recipe -> recipe.withKvCache(floats))
                .withCalibration(data)
                .into(folder.resolve("floats")));
        try (Checkpoint ofIntegers = Checkpoint.open(folder.resolve("out"));
                Checkpoint ofFloats = Checkpoint.open(folder.resolve("floats"))) {
            assertThat(ofIntegers
                            .config()
                            .tree()
                            .at("/quantization_config/kv_cache_scheme")
                            .toString())
                    .contains("\"num_bits\":8", "\"type\":\"int\"", "\"symmetric\":true");
            KvCacheScales found = CompressedTensors.read(ofIntegers).kvCache().orElseThrow();
            KvCacheScales expected = CompressedTensors.read(ofFloats).kvCache().orElseThrow();
            found.byLayer().forEach((layer, stored) -> {
                assertThat(stored.keys()).hasSize(scales);
                for (int i = 0; i < scales; i++) {
                    KvCacheScales.Layer other =
                            Objects.requireNonNull(expected.byLayer().get(layer));
                    assertThat(stored.keys().get(i) * 127.5 / (other.keys().get(i) * 448))
                            .isCloseTo(1, within(0x1p-7));
                    assertThat(stored.values().get(i) * 127.5 / (other.values().get(i) * 448))
                            .isCloseTo(1, within(0x1p-7));
                }
            });
        }
    }

    /** The written file runs with a cache of integers, whose steps are finer than those of floats for most numbers of a tensor. */
    @Test
    void evaluatesWithTheCacheThatItDeclares() {
        BooksQuantization.run(request("FP8_W8A16"));
        double integers = divergence(KvCacheQuantization.INT8_PER_TENSOR);
        double floats = divergence(KvCacheQuantization.FP8_PER_TENSOR);
        assertThat(integers).isGreaterThan(1e-6).isLessThan(floats / 2);
    }

    /** From the same without a cache of 8 bits. */
    private double divergence(KvCacheQuantization cache) {
        Path cached = folder.resolve(cache.name());
        BooksQuantization.run(request("FP8_W8A16")
                .with(recipe -> recipe.withKvCache(cache))
                .withCalibration(new CalibrationData(TestModels.calibrationTexts(), 16, 256, 0))
                .into(cached));
        var task = new EvaluationTask.Divergence(
                "texts", TestModels.calibrationTexts(), 128, OptionalInt.of(4), folder.resolve("out"));
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            var result = engine.evaluate(new EvaluationRequest(cached, List.of(task)), JobMonitor.none());
            return ((TaskResult.Divergence) result.tasks().getFirst()).divergence();
        }
    }

    @Test
    void leavesScalesOfACacheOfIntegersToCompressedTensors() {
        Recipe recipe = new Recipe("FP8", "modelopt", List.of()).withKvCache(KvCacheQuantization.INT8_PER_TENSOR);
        assertThatThrownBy(() -> Quantizer.schemes(recipe))
                .hasMessageContaining("a KV cache of integers can be held by compressed-tensors only");
    }

    private QuantizationRequest request(String scheme) {
        return BooksQuantization.request(scheme, folder.resolve("out"));
    }

    private static void assertRefused(QuantizationRequest request, ErrorCode code, String message) {
        assertThatThrownBy(() -> BooksQuantization.run(request))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message);
    }
}
