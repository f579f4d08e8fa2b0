package io.octavo.engine.modify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** Against numbers worked out by hand, on two channels. */
class SmoothQuantTest {

    private static final String LAYER = "model.layers.0.";

    /** What enters all Linears: the second channel is an outlier. */
    private static final ChannelMagnitudes INPUTS = module -> new float[] {1, 16};

    @Test
    void partsOfAFusedLayerShareTheScaleOfTheirLargestWeights() {
        ChannelMagnitudes weights =
                module -> module.endsWith("k_proj") ? new float[] {0.25f, 0.5f} : new float[] {0.5f, 0.25f};
        Map<String, ChannelScaling> scalings =
                new SmoothQuant(0.5).scalings(spec("LlamaForCausalLM", "llama"), INPUTS, weights);
        assertThat(scalings).hasSize(7);
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
        ChannelMagnitudes ones = module -> new float[] {1, 1};
        ModelSpec spec = spec("LlamaForCausalLM", "llama");
        assertScaling(new SmoothQuant(1).scalings(spec, INPUTS, ones), "mlp.gate_proj", 0, 1, 16);
        assertScaling(new SmoothQuant(0).scalings(spec, INPUTS, ones), "mlp.gate_proj", 0, 1, 1);
        assertScaling(new SmoothQuant(0.75).scalings(spec, INPUTS, ones), "mlp.gate_proj", 0, 1, 8);
        assertThatThrownBy(() -> new SmoothQuant(1.1)).hasMessageContaining("between 0 and 1");
        assertThatThrownBy(() -> new SmoothQuant(Double.NaN)).hasMessageContaining("between 0 and 1");
    }

    @Test
    void aChannelThatIsAlwaysZeroStays() {
        ModelSpec spec = spec("LlamaForCausalLM", "llama");
        assertScaling(
                new SmoothQuant(0.8).scalings(spec, module -> new float[] {0, 2}, module -> new float[] {1, 0}),
                "mlp.gate_proj",
                0,
                1,
                1);
    }

    @Test
    void gainsThatAreStoredLessOneAreScaledWithIt() {
        Map<String, ChannelScaling> scalings =
                new SmoothQuant(1).scalings(spec("Gemma2ForCausalLM", "gemma2"), INPUTS, module -> new float[] {1, 1});
        ChannelScaling norm = Objects.requireNonNull(scalings.get(LAYER + "pre_feedforward_layernorm.weight"));
        // A gain of 3 is stored as 2 and becomes 3 / 16.
        assertThat(norm.apply(2, 1)).isEqualTo(3f / 16 - 1);
        assertThat(scalings).doesNotContainKey(LAYER + "post_feedforward_layernorm.weight");
    }

    @Test
    void findsNothingBehindNormsThatComeAfterTheBlock() {
        assertThat(new SmoothQuant(0.5).observed(spec("Olmo2ForCausalLM", "olmo2")))
                .isEmpty();
    }

    private static void assertScaling(
            Map<String, ChannelScaling> scalings, String module, float offset, float... factors) {
        ChannelScaling scaling = Objects.requireNonNull(scalings.get(LAYER + module + ".weight"));
        assertThat(scaling.offset()).isEqualTo(offset);
        assertThat(scaling.factors()).containsExactly(factors, within(1e-6f));
    }

    private static ModelSpec spec(String architecture, String type) {
        return Architectures.read(JsonMapper.shared().readTree("""
                {"architectures": ["%s"], "model_type": "%s", "hidden_size": 2, "num_hidden_layers": 1,
                 "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 2, "intermediate_size": 4,
                 "vocab_size": 10, "max_position_embeddings": 16, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
                 "hidden_act": "silu", "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 2,
                 "sliding_window": 8, "tie_word_embeddings": true}
                """.formatted(architecture, type)));
    }
}
