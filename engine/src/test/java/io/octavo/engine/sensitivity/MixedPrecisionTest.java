package io.octavo.engine.sensitivity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.AbstractEngineTest;
import io.octavo.engine.TestModels;
import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.calibrate.Calibrator;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.request.Sensitivity;
import io.octavo.engine.solve.PlainRounding;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.TextOutputs;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class MixedPrecisionTest extends AbstractEngineTest {

    private static final String SCHEME = "W4A16_G64";
    private static final CalibrationShape SHAPE = new CalibrationShape(4, 64, 0);

    private static Recipe recipe(String scheme, Budget budget) {
        return new Recipe(scheme, "compressed-tensors", List.of())
                .withCalibration(SHAPE)
                .withBudget(budget);
    }

    private QuantizationResult quantize(Recipe recipe) {
        return engine.quantize(request(recipe), JobMonitor.none());
    }

    private QuantizationRequest request(Recipe recipe) {
        return new QuantizationRequest(
                TestModels.books5m(),
                folder.resolve("out"),
                recipe,
                Optional.of(TestModels.calibrationTexts()),
                List.of());
    }

    @Test
    void spendsTheBudgetWhereRoundingHurtsMostAndTiesWhatLoadersFuse() {
        QuantizationResult result = quantize(recipe(SCHEME, Budget.of(new Budget.Bits(5), SCHEME)));

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
        quantize(recipe(SCHEME, new Budget(new Budget.Bits(4.4), List.of("W4A16_G32")))
                .withModifiers(List.of(new Gptq())));
        JsonNode made = ConfigJson.read(folder.resolve("out/octavo.json")).tree();
        assertThat(made.path("sensitivity").path("bits").doubleValue()).isCloseTo(4.4, within(0.05));
        assertThat(made.path("modifiers").toString()).contains("gptq");
    }

    @Test
    void comparesSchemesThatRoundInputs() {
        quantize(recipe("W8A8", new Budget(new Budget.Bits(9), List.of("16"))));
        JsonNode groups = ConfigJson.read(folder.resolve("out/octavo.json"))
                .tree()
                .path("sensitivity")
                .path("groups");
        assertThat(groups.get(0).path("choices").path("W8A8").path("loss").doubleValue())
                .isGreaterThan(1e-6);
    }

    /** Of schemes that store scales of inputs, those scales are taken from the data first. */
    @Test
    void comparesSchemesThatStoreScalesOfInputs() {
        quantize(recipe("W8A8_STATIC", new Budget(new Budget.Bits(9), List.of("FP8", "NVFP4", "16"))));
        JsonNode groups = sensitivity().path("groups");
        for (JsonNode group : groups) {
            // The fewer bits, the more is lost; a scale a tensor costs integers more than floats.
            assertThat(loss(group, "NVFP4")).isGreaterThan(loss(group, "W8A8_STATIC"));
            assertThat(loss(group, "W8A8_STATIC")).isGreaterThan(0);
            assertThat(loss(group, "FP8")).isGreaterThan(0);
        }
        assertThat(engine.label(folder.resolve("out")).text()).startsWith("mixed(");
    }

    private JsonNode sensitivity() {
        return ConfigJson.read(folder.resolve("out/octavo.json")).tree().path("sensitivity");
    }

    /**
     * Six groups, two choices each: the cheapest of all sixty-four that measuring lets through. What stays in 16 bits costs its own
     * bytes, and 16 bits for each number of an average module.
     */
    @Test
    void spendsAsFewBytesOnPerplexityAsTryingEverything() {
        List<String> few = List.of("re:.*layers\\.[23]\\..*", "re:.*layers\\.1\\.(self_attn\\.o|mlp\\.down).*");
        Recipe recipe =
                new Recipe("W4A16_CHANNEL", "compressed-tensors", few).withCalibration(new CalibrationShape(8, 160, 0));
        List<Measured> all = measured(recipe);
        assertThat(all).hasSize(64);
        for (double limit : new double[] {1.005, 1.01, 1.02, 2}) {
            List<String> least = all.stream()
                    .filter(choice -> choice.ratio <= limit)
                    .min(Comparator.comparingDouble(Measured::cost))
                    .orElseThrow()
                    .kept();

            Sensitivity found =
                    resolve(recipe.withBudget(new Budget(new Budget.PerplexityRatio(limit), List.of("16"))));

            assertThat(found.perplexityRatio().orElseThrow()).isLessThanOrEqualTo(limit);
            assertThat(found.groups().stream()
                            .filter(group -> group.chosen().equals("16"))
                            .flatMap(group -> group.modules().stream()))
                    .as("limit %s", limit)
                    .containsExactlyInAnyOrderElementsOf(least);
        }
    }

    private Sensitivity resolve(Recipe recipe) {
        try (Backend backend = Backends.cpu(2)) {
            return new MixedPrecision(backend, JobMonitor.none())
                    .resolve(request(recipe))
                    .sensitivity()
                    .orElseThrow();
        }
    }

    /** What was measured in memory is what the written file has, whose texts' tokens are scored by themselves here. */
    @Test
    void tellsTheRatioOfTheFileThatIsWritten() {
        quantize(recipe("W8A8_STATIC", Budget.of(new Budget.PerplexityRatio(1.02), "W8A8_STATIC")));
        double told = sensitivity().path("perplexityRatio").doubleValue();
        assertThat(told).isBetween(0.99, 1.02);
        try (Backend backend = Backends.cpu(2)) {
            double loss = loss(folder.resolve("out"), backend) - loss(TestModels.books5m(), backend);
            assertThat(Math.exp(loss)).isCloseTo(told, within(2e-6));
        }
    }

    private static double loss(Path model, Backend backend) {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            var data = new CalibrationData(TestModels.calibrationTexts(), SHAPE);
            try (LayerStream layers =
                    new ModelLoader(backend, checkpoint, spec).stream(Calibrator.samples(checkpoint, data, spec))) {
                while (layers.next() < layers.layers()) {
                    layers.advance(ActivationObserver.none(), () -> {});
                }
                try (TextOutputs outputs = layers.outputs()) {
                    return outputs.loss(() -> {});
                }
            }
        }
    }

    /**
     * @param kept modules that stay in 16 bits
     * @param cost in bits
     * @param ratio of perplexities
     */
    private record Measured(List<String> kept, double cost, double ratio) {}

    private static List<Measured> measured(Recipe recipe) {
        var all = new ArrayList<Measured>();
        try (Backend backend = Backends.cpu(2);
                Stream stream = backend.newStream();
                Checkpoint source = Checkpoint.open(TestModels.books5m())) {
            ModelSpec spec = Architectures.read(source.config().tree());
            var either = new Budget(new Budget.PerplexityRatio(1), List.of("16"));
            Candidates candidates = Candidates.of(source, recipe, either, JobMonitor.none());
            var data = new CalibrationData(
                    TestModels.calibrationTexts(), recipe.calibration().orElseThrow());
            var study = new ChoiceStudy(
                    new ModelLoader(backend, source, spec),
                    new RoundedModules(new PlainRounding(backend, stream, JobMonitor.none()), ActivationRanges.none()),
                    candidates,
                    Calibrator.samples(source, data, spec),
                    JobMonitor.none());
            double original = study.originalLoss();
            int groups = candidates.groups().size();
            double average = candidates.groups().stream()
                            .mapToDouble(Candidates.Modules::weights)
                            .sum()
                    / candidates.groups().stream()
                            .mapToInt(group -> group.names().size())
                            .sum();
            for (int choice = 0; choice < 1 << groups; choice++) {
                var schemes = new ArrayList<String>();
                var kept = new ArrayList<String>();
                double cost = 0;
                for (int group = 0; group < groups; group++) {
                    boolean keeps = (choice >> group & 1) == 1;
                    schemes.add(keeps ? Budget.KEPT : recipe.scheme());
                    if (keeps) {
                        Candidates.Modules modules = candidates.groups().get(group);
                        kept.addAll(modules.names());
                        cost += (16 - modules.bits(recipe.scheme())) * modules.weights()
                                + 16 * average * modules.names().size();
                    }
                }
                all.add(new Measured(kept, cost, Math.exp(study.loss(schemes) - original)));
            }
        }
        return all;
    }

    private static double loss(JsonNode group, String scheme) {
        return group.path("choices").path(scheme).path("loss").doubleValue();
    }

    @Test
    void refusesWhatCannotBeCompared() {
        assertRefused(
                recipe("W4A16_CHANNEL", new Budget(new Budget.PerplexityRatio(1.0001), List.of("W4A16_G64"))),
                "no choice of W4A16_CHANNEL, W4A16_G64 keeps within 1.0001 times the perplexity");
        assertRefused(
                recipe(SCHEME, new Budget(new Budget.Bits(4), List.of("16"))),
                "4.000 bits a weight are less than W4A16_G64");
        assertRefused(
                recipe(SCHEME, new Budget(new Budget.Bits(5), List.of("16")))
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
