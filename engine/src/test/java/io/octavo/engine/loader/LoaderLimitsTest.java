package io.octavo.engine.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.JsonNodeFactory;

/** What vLLM refuses or misreads (docs/checkpoint-formats.md, section 15) is refused before any work. */
class LoaderLimitsTest {

    private static final String LAYER = "model.layers.0.";

    @TempDir
    Path folder;

    private final CheckpointFixture model = new CheckpointFixture()
            .config("{\"architectures\": [\"X\"], \"num_attention_heads\": 4, \"num_key_value_heads\": 2}");

    private LoaderLimitsTest with(long rows, long columns, String... modules) {
        for (String module : modules) {
            model.with(
                    LAYER + module + ".weight",
                    DType.BF16,
                    List.of(rows, columns),
                    new byte[Math.toIntExact(2 * rows * columns)]);
        }
        return this;
    }

    private LoaderLimitsTest withExperts() {
        return with(128, 128, "self_attn.o_proj", "mlp.experts.0.w1", "mlp.experts.0.w2", "mlp.experts.0.w3")
                .with(128, 128, "mlp.experts.1.w1", "mlp.experts.1.w2", "mlp.experts.1.w3");
    }

    private QuantizationPlan plan(Recipe recipe) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(model.write(folder))) {
            return Quantizer.plan(checkpoint, recipe);
        }
    }

    private static Recipe recipe(String scheme, String layout, String... ignore) {
        return new Recipe(scheme, layout, List.of(ignore));
    }

    private void assertRefused(Recipe recipe, ErrorCode code, String... parts) {
        assertThatThrownBy(() -> plan(recipe))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContainingAll(parts);
    }

    @Test
    void namesTheModulesByWhichVllmAsksForMixtralsExperts() throws IOException {
        QuantizationPlan plan = withExperts().plan(recipe("FP8_DYNAMIC", "compressed-tensors", "re:.*\\.experts\\..*"));
        assertThat(plan.listed(JsonNodeFactory.instance.objectNode()))
                .contains(
                        LAYER + "mlp.experts.1.w2",
                        LAYER + "mlp.experts.0.gate_proj",
                        LAYER + "mlp.experts.0.up_proj",
                        LAYER + "mlp.experts.0.down_proj");
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.layers.0.mlp.experts.1.w1", "re:.*experts\\.1\\..*", "re:.*\\.w2"})
    void refusesToIgnoreSomeExpertsOfALayer(String ignored) {
        withExperts()
                .assertRefused(
                        recipe("FP8_DYNAMIC", "compressed-tensors", ignored),
                        ErrorCode.IGNORE_INVALID,
                        "is ignored and",
                        "all");
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.layers.0.mlp.experts.1.w2", "re:.*experts\\.0\\..*", "re:.*\\.w2"})
    void refusesTwoSchemesForTheExpertsOfALayer(String target) {
        Recipe recipe = recipe("FP8_DYNAMIC", "compressed-tensors")
                .withOverrides(List.of(new SchemeOverride("W4A16_G32", List.of(target))));
        withExperts()
                .assertRefused(
                        recipe, ErrorCode.IGNORE_INVALID, "FP8_DYNAMIC", "W4A16_G32", "experts of a layer one scheme");
    }

    @Test
    void givesExpertsASchemeOfTheirOwn() {
        Recipe recipe = recipe("FP8_DYNAMIC", "compressed-tensors")
                .withOverrides(List.of(new SchemeOverride("W4A16_G32", List.of("re:.*\\.experts\\..*"))));
        assertThatCode(() -> withExperts().plan(recipe)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "FP8_W8A16, compressed-tensors, SCHEME_UNSUITABLE",
        "W8A8_STATIC, compressed-tensors, SCHEME_UNSUITABLE",
        "W8A8_STATIC_ASYM, compressed-tensors, SCHEME_UNSUITABLE",
        "W8A16, compressed-tensors, SCHEME_UNSUITABLE",
        "FP8_DYNAMIC, modelopt, LAYOUT_UNSUITABLE",
        "W4A16_CHANNEL, awq, LAYOUT_UNSUITABLE"
    })
    void refusesWhatVllmCannotRunExpertsWith(String scheme, String layout, ErrorCode code) {
        Recipe recipe = recipe(scheme, layout).withCalibration(new CalibrationShape(1, 1, 0));
        withExperts().assertRefused(recipe, code, LAYER + "mlp.experts.0.w1", "expert", "vLLM");
    }

    @Test
    void refusesExpertsThatVllmsTilesDoNotFit() throws IOException {
        Recipe recipe = recipe("W4AFP8", "compressed-tensors");
        withExperts().assertRefused(recipe, ErrorCode.SCHEME_UNSUITABLE, "experts.0.w1", "128 is not divisible by 256");
        model.config("{\"architectures\": [\"X\"]}");
        assertThatCode(() -> plan(recipe("W4AFP8", "compressed-tensors", "re:.*experts.*")))
                .doesNotThrowAnyException();
        for (String part : List.of("0.w1", "0.w2", "0.w3", "1.w1", "1.w2", "1.w3")) {
            model.without(LAYER + "mlp.experts." + part + ".weight");
        }
        assertThatCode(() -> with(256, 512, "mlp.experts.0.w1").plan(recipe)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({"W4A16_ASYM_G32, gptq", "W4A16_ASYM_G32, gptq_v2"})
    void refusesGptqWithZeroPoints(String scheme, String layout) {
        with(128, 128, "self_attn.o_proj")
                .assertRefused(recipe(scheme, layout), ErrorCode.LAYOUT_UNSUITABLE, "vLLM loads layout " + layout);
    }

    /** Four heads of 64 and two of keys and of values: 128 key rows are whole blocks, of heads of 32 they are 64. */
    @Test
    void refusesBlocksThatCutProjectionsFusedOnDisk() {
        with(256, 128, "self_attn.qkv_proj")
                .assertRefused(
                        recipe("FP8_BLOCK", "compressed-tensors"),
                        ErrorCode.SCHEME_UNSUITABLE,
                        LAYER + "self_attn.qkv_proj",
                        "64 is not divisible by 128");
        with(384, 128, "mlp.gate_up_proj");
        model.without(LAYER + "self_attn.qkv_proj.weight");
        assertRefused(recipe("FP8_BLOCK", "fp8"), ErrorCode.SCHEME_UNSUITABLE, "gate_up_proj", "192");
        model.without(LAYER + "mlp.gate_up_proj.weight");
        assertThatCode(() ->
                        with(512, 128, "self_attn.qkv_proj", "mlp.gate_up_proj").plan(recipe("FP8_BLOCK", "fp8")))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({"W4A16_G32, awq", "FP8_DYNAMIC, modelopt"})
    void refusesSkipListsThatHitMoreThanTheyName(String scheme, String layout) {
        with(128, 128, "mlp.gate", "mlp.gate_proj", "mlp.up_proj")
                .assertRefused(
                        recipe(scheme, layout),
                        ErrorCode.LAYOUT_UNSUITABLE,
                        LAYER + "mlp.gate_proj is quantized and " + LAYER + "mlp.gate is not");
        assertThatCode(() -> plan(recipe(scheme, "compressed-tensors"))).doesNotThrowAnyException();
    }
}
