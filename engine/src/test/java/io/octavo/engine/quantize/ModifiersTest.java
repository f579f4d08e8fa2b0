package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.AbstractEngineTest;
import io.octavo.engine.GeneratedModel;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.Awq;
import io.octavo.engine.modify.Equalization;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.InputObserver;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.TaskResult;
import io.octavo.kernels.number.BFloat16;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights that are changed before they are rounded. */
class ModifiersTest extends AbstractEngineTest {

    private static final String NORM = "model.layers.1.post_attention_layernorm.weight";

    @Test
    void smoothingTakesMuchOfTheLossThatOutliersCause() throws IOException {
        Path model = OutlierModel.write(folder.resolve("outliers"));
        quantize(model, "plain", new Recipe("W8A8", CompressedTensors.NAME, List.of()));
        quantize(model, "smooth", smooth("W8A8"));
        double original = perplexity(model);
        double plain = perplexity(folder.resolve("plain"));
        double smooth = perplexity(folder.resolve("smooth"));
        assertThat(smooth - original).isLessThan((plain - original) / 2);
    }

    @Test
    void staticScalesAreThoseOfTheScaledInputs() throws IOException {
        Path model = OutlierModel.write(folder.resolve("outliers"));
        quantize(model, "plain", new Recipe("W8A8_STATIC", CompressedTensors.NAME, List.of()));
        quantize(model, "smooth", smooth("W8A8_STATIC"));
        double plain = perplexity(folder.resolve("plain"));
        double smooth = perplexity(folder.resolve("smooth"));
        assertThat(smooth).isLessThan(plain / 2);
    }

    @Test
    void normsAndWeightsAreScaledAndVerifiedAsSuch() throws Exception {
        QuantizationResult result = quantize(TestModels.books5m(), "smooth", smooth("W8A8"));
        try (Checkpoint source = Checkpoint.open(TestModels.books5m())) {
            // Two norms a layer are not what they were.
            assertThat(result.verification().untouchedTensors())
                    .isEqualTo(source.names().size() - 4 * 7 - 2 * 4);
            try (Checkpoint written = Checkpoint.open(folder.resolve("smooth"))) {
                assertThat(numbers(written)).isNotEqualTo(numbers(source));
            }
        }
        assertThat(Files.readString(folder.resolve("smooth/octavo.json")))
                .contains("\"W8A8 + smoothquant\"", "\"alpha\": 0.8");
    }

    @ParameterizedTest
    @EnumSource(
            value = InputObserver.class,
            names = {"PERCENTILE", "MSE"})
    void staticRangesThatCutOffTheLargestInputsLoseLess(InputObserver observer) throws IOException {
        Path model = TestModels.books5m();
        Recipe recipe = new Recipe("W8A8_STATIC", CompressedTensors.NAME, List.of());
        quantize(model, "all", recipe);
        quantize(model, "clipped", recipe, data().shape().withObserver(observer));
        double original = perplexity(model);
        assertThat(perplexity(folder.resolve("clipped")) - original)
                .isLessThan(perplexity(folder.resolve("all")) - original);
        assertThat(Files.readString(folder.resolve("clipped/octavo.json"))).contains(observer.id());
    }

    @Test
    void channelsThatMatterTakeLessOfTheLoss() throws IOException {
        Path model = TestModels.books5m();
        var plain = new Recipe("W4A16_G64", CompressedTensors.NAME, List.of());
        quantize(model, "plain", plain);
        quantize(model, "awq", plain.withModifiers(List.of(new Awq())));
        double original = perplexity(model);
        // 2.5 of 2.83 over the whole text; few windows tell no more than that it helps.
        assertThat(perplexity(folder.resolve("awq")) - original)
                .isLessThan(perplexity(folder.resolve("plain")) - original);
        assertThat(Files.readString(folder.resolve("awq/octavo.json"))).contains("\"W4A16_G64 + awq\"");
    }

    /** In 8 bits, where rounding hardly costs anything. */
    @Test
    void equalizationNeedsNoDataAndLeavesWhatTheModelComputes() throws IOException {
        Path model = TestModels.books5m();
        var plain = new Recipe("W8A16_CHANNEL", CompressedTensors.NAME, List.of());
        Recipe recipe = plain.withModifiers(List.of(new Equalization()));

        engine.quantize(new QuantizationRequest(model, folder.resolve("plain"), plain), JobMonitor.none());
        QuantizationResult result =
                engine.quantize(new QuantizationRequest(model, folder.resolve("equal"), recipe), JobMonitor.none());

        try (Checkpoint rounded = Checkpoint.open(folder.resolve("plain"));
                Checkpoint equal = Checkpoint.open(folder.resolve("equal"))) {
            assertThat(scales(equal)).isNotEqualTo(scales(rounded));
        }

        try (Checkpoint source = Checkpoint.open(model)) {
            assertThat(result.verification().untouchedTensors())
                    .isEqualTo(source.names().size() - 4 * 7);
        }
        assertThat(perplexity(folder.resolve("equal"))).isCloseTo(perplexity(model), Percentage.withPercentage(0.3));
        assertThat(Files.readString(folder.resolve("equal/octavo.json")))
                .contains("\"W8A16_CHANNEL + equalization\"")
                .doesNotContain("calibration");
    }

    /** What scales of inputs are made of is divided as the inputs are. */
    @Test
    void equalizationGoesBeforeStaticScales() throws IOException {
        Path model = TestModels.books5m();
        var recipe = new Recipe("W8A8_STATIC", CompressedTensors.NAME, List.of());
        quantize(model, "plain", recipe);
        quantize(model, "equal", recipe.withModifiers(List.of(new Equalization())));
        assertThat(perplexity(folder.resolve("equal")))
                .isCloseTo(perplexity(folder.resolve("plain")), Percentage.withPercentage(3));
    }

    private static float[] numbers(Checkpoint checkpoint) {
        return numbers(checkpoint, NORM);
    }

    private static float[] scales(Checkpoint checkpoint) {
        return numbers(checkpoint, "model.layers.1.mlp.up_proj.weight_scale");
    }

    private static float[] numbers(Checkpoint checkpoint, String tensor) {
        short[] bits = checkpoint.tensor(tensor).segment().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
        float[] numbers = new float[bits.length];
        for (int i = 0; i < bits.length; i++) {
            numbers[i] = BFloat16.toFloat(bits[i]);
        }
        return numbers;
    }

    @Test
    void refusesModelsWithoutAWeightToScaleAndRecipesWithoutData() throws IOException {
        Recipe withoutData =
                new Recipe("W8A8", CompressedTensors.NAME, List.of()).withModifiers(List.of(new SmoothQuant(0.8)));
        assertRefused(TestModels.books5m(), withoutData, ErrorCode.CALIBRATION_MISSING);
        Recipe smooth = smooth("W8A8").withCalibration(new CalibrationShape(1, 16, 0));
        Path model = GeneratedModel.write("olmo2", folder.resolve("olmo2"));
        assertRefused(model, smooth, ErrorCode.TOKENIZER_MISSING);
        Path weights = model.resolve(Checkpoint.SINGLE_FILE);
        String header = Files.readString(weights, StandardCharsets.ISO_8859_1);
        Files.writeString(weights, header.replace("self_attn.o_proj", "self_attn.x_proj"), StandardCharsets.ISO_8859_1);
        assertRefused(model, smooth, ErrorCode.CHECKPOINT_TENSOR_MISSING);
    }

    private static void assertRefused(Path model, Recipe recipe, ErrorCode code) {
        try (Checkpoint source = Checkpoint.open(model)) {
            assertThatThrownBy(() -> Quantizer.plan(source, recipe))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(code));
        }
    }

    private static Recipe smooth(String scheme) {
        return new Recipe(scheme, CompressedTensors.NAME, List.of()).withModifiers(List.of(new SmoothQuant(0.8)));
    }

    private QuantizationResult quantize(Path model, String name, Recipe recipe) {
        return quantize(model, name, recipe, data().shape());
    }

    private QuantizationResult quantize(Path model, String name, Recipe recipe, CalibrationShape shape) {
        var request = new QuantizationRequest(
                model, folder.resolve(name), recipe.withCalibration(shape), Optional.of(data().dataset()), List.of());
        return engine.quantize(request, JobMonitor.none());
    }

    private static CalibrationData data() {
        return new CalibrationData(TestModels.calibrationTexts(), 16, 256, 0);
    }

    private double perplexity(Path checkpoint) {
        var task = new EvaluationTask.Perplexity(
                "text", TestModels.repository().resolve("examples/data/books-heldout.txt"), 512, OptionalInt.of(4));
        var result = engine.evaluate(new EvaluationRequest(checkpoint, List.of(task)), JobMonitor.none());
        return ((TaskResult.Perplexity) result.tasks().getFirst()).perplexity();
    }
}
