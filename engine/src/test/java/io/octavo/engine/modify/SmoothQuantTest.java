package io.octavo.engine.modify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.model.ModelSpec;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** Against numbers worked out by hand, on two channels. */
class SmoothQuantTest {

    /** What enters all Linears: the second channel is an outlier. */
    private static float[] inputs(String module) {
        return module.endsWith("down_proj") ? new float[] {1, 1, 1, 4} : new float[] {1, 16};
    }

    /** The same two for all, and again for the four channels of the down projection. */
    private static Function<String, float[]> four(float first, float second) {
        return module ->
                module.endsWith("down_proj") ? new float[] {first, second, first, second} : new float[] {first, second};
    }

    private static FakeStatistics of(Function<String, float[]> inputs, Function<String, float[]> columns) {
        return FakeStatistics.ofMagnitudes(inputs, columns);
    }

    @Test
    void partsOfAFusedLayerShareTheScaleOfTheirLargestWeights() {
        Function<String, float[]> weights = module -> switch (module.substring(module.lastIndexOf('.') + 1)) {
            case "k_proj" -> new float[] {0.25f, 0.5f};
            case "down_proj" -> new float[] {1, 1, 1, 1};
            default -> new float[] {0.5f, 0.25f};
        };
        Map<String, ChannelScaling> scalings = new SmoothQuant(0.5)
                .scalings(TinySpecs.of("LlamaForCausalLM", "llama"), of(SmoothQuantTest::inputs, weights));
        // Nine weights, and the biases of values and up that there may be.
        assertThat(scalings).hasSize(11);
        // sqrt(1 / 0.5) and sqrt(16 / 0.5).
        float[] scales = {(float) Math.sqrt(2), (float) Math.sqrt(32)};
        for (String part : new String[] {"q_proj", "k_proj", "v_proj"}) {
            assertScaling(scalings, "self_attn." + part, 0, scales);
        }
        assertScaling(scalings, "input_layernorm", 0, 1 / scales[0], 1 / scales[1]);
        // sqrt(16 / 0.25).
        assertScaling(scalings, "mlp.up_proj", 0, scales[0], 8);
        assertScaling(scalings, "post_attention_layernorm", 0, 1 / scales[0], 0.125f);
    }

    @Test
    void alphaSaysHowMuchMovesIntoTheWeights() {
        FakeStatistics ones = of(SmoothQuantTest::inputs, four(1, 1));
        ModelSpec spec = TinySpecs.of("LlamaForCausalLM", "llama");
        assertScaling(new SmoothQuant(1).scalings(spec, ones), "mlp.gate_proj", 0, 1, 16);
        assertScaling(new SmoothQuant(0).scalings(spec, ones), "mlp.gate_proj", 0, 1, 1);
        assertScaling(new SmoothQuant(0.75).scalings(spec, ones), "mlp.gate_proj", 0, 1, 8);
        assertThatThrownBy(() -> new SmoothQuant(1.1)).hasMessageContaining("between 0 and 1");
        assertThatThrownBy(() -> new SmoothQuant(Double.NaN)).hasMessageContaining("between 0 and 1");
    }

    @Test
    void aChannelThatIsAlwaysZeroStays() {
        ModelSpec spec = TinySpecs.of("LlamaForCausalLM", "llama");
        assertScaling(new SmoothQuant(0.8).scalings(spec, of(four(0, 2), four(1, 0))), "mlp.gate_proj", 0, 1, 1);
    }

    @Test
    void gainsThatAreStoredLessOneAreScaledWithIt() {
        Map<String, ChannelScaling> scalings = new SmoothQuant(1)
                .scalings(TinySpecs.of("Gemma2ForCausalLM", "gemma2"), of(SmoothQuantTest::inputs, four(1, 1)));
        ChannelScaling norm =
                Objects.requireNonNull(scalings.get(TinySpecs.LAYER + "pre_feedforward_layernorm.weight"));
        // A gain of 3 is stored as 2 and becomes 3 / 16.
        float[] gain = {2};
        norm.apply(gain, 1, 0, 1);
        assertThat(gain).containsExactly(3f / 16 - 1);
        assertThat(scalings).doesNotContainKey(TinySpecs.LAYER + "post_feedforward_layernorm.weight");
    }

    @Test
    void wherePartsHaveNoNormBeforeThemWhatLiesBetweenLinearsIsScaledAlone() {
        assertThat(new SmoothQuant(0.5).observed(TinySpecs.of("Olmo2ForCausalLM", "olmo2")))
                .containsExactly(TinySpecs.LAYER + "self_attn.o_proj", TinySpecs.LAYER + "mlp.down_proj");
    }

    @Test
    void withoutAnAlphaOutliersMoveAndAnInputThatHasNoneStaysAsGood() {
        RandomGenerator random = new SplittableRandom(3);
        float[] weights = new float[64 * 2];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        FakeStatistics outlier =
                new FakeStatistics(four(1, 100), four(0.1f, 1000), four(3, 3), module -> weights, Optional.empty());
        ModelSpec spec = TinySpecs.of("LlamaForCausalLM", "llama");

        float[] scales = Objects.requireNonNull(new SmoothQuant(OptionalDouble.empty())
                        .scalings(spec, outlier)
                        .get(TinySpecs.LAYER + "self_attn.q_proj.weight"))
                .columns();

        assertThat(scales[1] / scales[0]).isBetween(3f, 100f);
        var modules = new LinkedHashSet<>(List.of(TinySpecs.LAYER + "self_attn.q_proj"));
        var noise = new RoundingNoise(modules, outlier, new float[] {1, 100}, 64);
        assertThat(noise.of(scales)).isLessThan(noise.of(new float[] {1, 1}) / 2);
    }

    private static void assertScaling(
            Map<String, ChannelScaling> scalings, String module, float offset, float... factors) {
        ChannelScaling scaling = Objects.requireNonNull(scalings.get(TinySpecs.LAYER + module + ".weight"));
        assertThat(scaling.offset()).isEqualTo(offset);
        assertThat(scaling.columns()).containsExactly(factors, within(1e-6f));
    }
}
