package io.octavo.engine.sensitivity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.BitBudget;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class MixedPrecisionTest {

    private static final String SCHEME = "W4A16_G64";

    @TempDir
    Path folder;

    private final Engine engine = Engines.open(new EngineOptions("cpu", 2));

    @AfterEach
    void close() {
        engine.close();
    }

    private static Recipe recipe(String scheme, BitBudget budget) {
        return new Recipe(scheme, "compressed-tensors", List.of())
                .withCalibration(new CalibrationShape(4, 64, 0))
                .withBudget(budget);
    }

    private QuantizationResult quantize(Recipe recipe) {
        return engine.quantize(
                new QuantizationRequest(
                        TestModels.books5m(),
                        folder.resolve("out"),
                        recipe,
                        Optional.of(TestModels.calibrationTexts()),
                        List.of()),
                JobMonitor.none());
    }

    @Test
    void spendsTheBudgetWhereRoundingHurtsMostAndTiesWhatLoadersFuse() {
        QuantizationResult result = quantize(recipe(SCHEME, BitBudget.of(5, SCHEME)));

        assertThat(result.verification().passed()).isTrue();
        JsonNode found =
                ConfigJson.read(folder.resolve("out/octavo.json")).tree().path("sensitivity");
        assertThat(found.path("bits").doubleValue()).isBetween(4.9, 5.0);
        assertThat(found.path("groups").size()).isEqualTo(4 * 4);
        var chosen = new HashSet<String>();
        double before = Double.POSITIVE_INFINITY;
        for (JsonNode group : found.path("groups")) {
            double own = loss(group, SCHEME);
            assertThat(own).isPositive().isLessThanOrEqualTo(before);
            before = own;
            chosen.add(group.path("chosen").stringValue());
            assertThat(loss(group, "W4A16_G32")).isPositive().isLessThan(own);
            assertThat(loss(group, "16")).isZero();
            // Steps are 17 times smaller in 8 bits, so errors squared are 289 times, but for the larger groups.
            assertThat(loss(group, "W8A16_CHANNEL") / own).isBetween(1.0 / 289, 4.0 / 289);
        }
        assertThat(chosen).contains(SCHEME).hasSizeGreaterThan(1);
        // q, k and v, which loaders fuse, are one group, and so are gate and up.
        assertThat(found.toString())
                .contains("q_proj+", "gate_proj+up_proj")
                .doesNotContain("self_attn.q_proj\"", "mlp.up_proj\"");
        assertThat(engine.label(folder.resolve("out")).text()).startsWith("mixed(");
    }

    @Test
    void goesBeforeSolving() {
        quantize(recipe(SCHEME, new BitBudget(4.4, List.of("W4A16_G32"))).withModifiers(List.of(new Gptq())));
        JsonNode made = ConfigJson.read(folder.resolve("out/octavo.json")).tree();
        assertThat(made.path("sensitivity").path("bits").doubleValue()).isCloseTo(4.4, within(0.05));
        assertThat(made.path("modifiers").toString()).contains("gptq");
    }

    @Test
    void comparesSchemesThatRoundInputs() {
        quantize(recipe("W8A8", new BitBudget(9, List.of("16"))));
        JsonNode groups = ConfigJson.read(folder.resolve("out/octavo.json"))
                .tree()
                .path("sensitivity")
                .path("groups");
        assertThat(groups.get(0).path("choices").path("W8A8").path("loss").doubleValue())
                .isGreaterThan(1e-6);
    }

    private static double loss(JsonNode group, String scheme) {
        return group.path("choices").path(scheme).path("loss").doubleValue();
    }

    @Test
    void refusesWhatCannotBeCompared() {
        assertRefused(recipe("W8A8_STATIC", new BitBudget(10, List.of("16"))), "W8A8_STATIC stores scales of inputs");
        assertRefused(recipe(SCHEME, new BitBudget(10, List.of("NVFP4"))), "NVFP4 stores scales of inputs");
        assertRefused(recipe(SCHEME, new BitBudget(4, List.of("16"))), "4.000 bits a weight are less than W4A16_G64");
        assertRefused(
                recipe(SCHEME, new BitBudget(5, List.of("16")))
                        .withOverrides(List.of(new SchemeOverride("W8A16_CHANNEL", List.of("re:.*down_proj")))),
                "overrides cannot stand beside it");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    private void assertRefused(Recipe recipe, String why) {
        assertThatThrownBy(() -> quantize(recipe))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SCHEME_UNSUITABLE))
                .hasMessageContaining(why);
    }
}
