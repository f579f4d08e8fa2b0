package io.octavo.engine.model;

import static io.octavo.kernels.operation.GatedActivation.Function.SILU;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class ArchitecturesTest {

    @Test
    void readsBothSpellingsOfRopeAlike() {
        ObjectNode newer = llama();
        newer.withObject("rope_parameters")
                .put("rope_theta", 500000.0)
                .put("rope_type", "llama3")
                .put("factor", 8.0)
                .put("low_freq_factor", 1.0)
                .put("high_freq_factor", 4.0)
                .put("original_max_position_embeddings", 8192);
        ObjectNode older = llama().put("rope_theta", 500000.0);
        older.withObject("rope_scaling")
                .put("type", "llama3")
                .put("factor", 8.0)
                .put("low_freq_factor", 1.0)
                .put("high_freq_factor", 4.0)
                .put("original_max_position_embeddings", 8192);

        RopeSpec expected = new RopeSpec.Llama3(500000, 8, 1, 4, 8192);
        assertThat(attention(Architectures.read(newer)).rope()).isEqualTo(expected);
        assertThat(attention(Architectures.read(older)).rope()).isEqualTo(expected);
    }

    @Test
    void dividesOnlyLongWavelengthsByTheLlama3Factor() {
        double[] plain = new RopeSpec.Plain(500000).inverseFrequencies(128);
        double[] scaled = new RopeSpec.Llama3(500000, 8, 1, 4, 8192).inverseFrequencies(128);
        assertThat(scaled[0]).isEqualTo(plain[0]);
        assertThat(scaled[63]).isCloseTo(plain[63] / 8, within(1e-15));
    }

    @Test
    void defaultsHeadDimAndKeyValueHeadsFromTheOthers() {
        AttentionSpec attention = attention(Architectures.read(llama()));
        assertThat(attention.kvHeads()).isEqualTo(4);
        assertThat(attention.headDim()).isEqualTo(16);
        assertThat(attention.scale()).isEqualTo(0.25f);
    }

    @Test
    void takesSeveralEndTokens() {
        ObjectNode config = llama();
        config.putArray("eos_token_id").add(7).add(9);
        assertThat(Architectures.read(config).eosTokenIds()).containsExactly(7, 9);
    }

    @Test
    void namesAMissingArchitecture() {
        ObjectNode config = llama();
        config.remove("architectures");
        assertRefused(config, ErrorCode.ARCHITECTURE_MISSING, "architectures");
    }

    @Test
    void namesAnUnknownArchitectureAndTheKnownOnes() {
        ObjectNode config = llama();
        config.putArray("architectures").add("FooForCausalLM");
        assertRefused(config, ErrorCode.ARCHITECTURE_UNSUPPORTED, "FooForCausalLM");
        assertRefused(config, ErrorCode.ARCHITECTURE_UNSUPPORTED, "LlamaForCausalLM");
    }

    @ParameterizedTest
    @CsvSource({
        "hidden_size, -1",
        "hidden_size, 1e30",
        "hidden_size, '\"64\"'",
        "num_hidden_layers, 99999999999",
        "num_attention_heads, 0",
        "num_key_value_heads, 3",
        "rms_norm_eps, -1",
        "rope_theta, 0",
        "eos_token_id, -5",
        "head_dim, 15",
        "tie_word_embeddings, 1",
        "num_hidden_layers, 2049",
    })
    void namesTheKeyOfAWrongValue(String key, String json) {
        ObjectNode config = llama();
        config.set(key, JsonMapper.shared().readTree(json));
        assertRefused(config, ErrorCode.CONFIG_INVALID, key);
    }

    @Test
    void namesLayerTypesThatAreNotOneForEachLayer() {
        ObjectNode config = of("Gemma2ForCausalLM");
        config.putArray("layer_types").add("full_attention");
        assertRefused(config, ErrorCode.CONFIG_INVALID, "layer_types");
    }

    /** They are spelled so for other families and in forks; read past, another model would be computed. */
    @ParameterizedTest
    @CsvSource({
        "LlamaForCausalLM, clip_qkv, 8",
        "LlamaForCausalLM, is_causal, false",
        "LlamaForCausalLM, partial_rotary_factor, 0.5",
        "LlamaForCausalLM, residual_multiplier, 0.22",
        "LlamaForCausalLM, no_rope_layers, '[1, 0]'",
        "Qwen3ForCausalLM, use_qk_norm, true",
        "Gemma3ForCausalLM, use_bidirectional_attention, true",
        "LlamaForCausalLM, rope_parameters, '{\"full_attention\": {\"rope_theta\": 1e4}}'",
    })
    void refusesKeysThatChangeTheForwardPass(String architecture, String key, String json) {
        ObjectNode config = of(architecture).putNull("num_key_value_heads");
        config.set(key, JsonMapper.shared().readTree(json));
        assertRefused(config, ErrorCode.ARCHITECTURE_UNSUPPORTED, key);
    }

    @ParameterizedTest
    @CsvSource({
        "LlamaForCausalLM, clip_qkv, null",
        "LlamaForCausalLM, is_causal, true",
        "LlamaForCausalLM, partial_rotary_factor, 1.0",
        "LlamaForCausalLM, residual_multiplier, 1.0",
        "LlamaForCausalLM, no_rope_layers, '[]'",
        "LlamaForCausalLM, sliding_window, 4",
        "LlamaForCausalLM, query_pre_attn_scalar, 64",
        "LlamaForCausalLM, final_logit_softcapping, 30",
        "Gemma3ForCausalLM, use_bidirectional_attention, false",
        "Gemma3ForCausalLM, hidden_act, silu",
    })
    void readsPastKeysThatChangeNothing(String architecture, String key, String json) {
        ObjectNode config = of(architecture).putNull("num_key_value_heads");
        ModelSpec expected = Architectures.read(config);
        config.set(
                key,
                key.equals("hidden_act")
                        ? config.stringNode(json)
                        : JsonMapper.shared().readTree(json));
        assertThat(Architectures.read(config)).isEqualTo(expected);
    }

    @Test
    void refusesRopeThatItCannotRun() {
        ObjectNode config = llama();
        config.withObject("rope_scaling").put("rope_type", "yarn").put("factor", 4);
        assertRefused(config, ErrorCode.ARCHITECTURE_UNSUPPORTED, "yarn");
    }

    @Test
    void givesGemma2WindowsInTurnAndCapsItDoesNotName() {
        ModelSpec spec = Architectures.read(of("Gemma2ForCausalLM").put("sliding_window", 16));
        assertThat(attentions(spec)).extracting(AttentionSpec::window).containsExactly(16, Integer.MAX_VALUE);
        assertThat(attention(spec).softcap()).isEqualTo(50);
        assertThat(spec.logitSoftcap()).isEqualTo(30);
        assertThat(Architectures.read(of("Gemma2ForCausalLM").putNull("final_logit_softcapping"))
                        .logitSoftcap())
                .isZero();
    }

    @Test
    void readsOlderGemma3Configs() {
        ObjectNode config = of("Gemma3ForCausalLM")
                .put("num_hidden_layers", 6)
                .put("sliding_window", 512)
                .put("sliding_window_pattern", 3)
                .put("rope_theta", 1e6)
                .put("rope_local_base_freq", 1e4);
        RopeSpec near = new RopeSpec.Plain(1e4);
        RopeSpec far = new RopeSpec.Plain(1e6);
        List<AttentionSpec> layers = attentions(Architectures.read(config));
        assertThat(layers)
                .extracting(AttentionSpec::window)
                .containsExactly(512, 512, Integer.MAX_VALUE, 512, 512, Integer.MAX_VALUE);
        assertThat(layers).extracting(AttentionSpec::rope).containsExactly(near, near, far, near, near, far);
    }

    @Test
    void letsTheFirstLayersOfQwenSeeEverything() {
        ObjectNode config = of("Qwen2ForCausalLM")
                .put("num_key_value_heads", 4)
                .put("sliding_window", 8)
                .put("max_window_layers", 1)
                .put("use_sliding_window", true);
        assertThat(attentions(Architectures.read(config)))
                .extracting(AttentionSpec::window)
                .containsExactly(Integer.MAX_VALUE, 8);
    }

    @Test
    void turnsNothingInTheLayersThatSmolLm3Lists() {
        ObjectNode config = of("SmolLM3ForCausalLM").put("num_hidden_layers", 3).put("rope_theta", 5e6);
        config.putArray("no_rope_layers").add(1).add(0).add(1);
        RopeSpec turned = new RopeSpec.Plain(5e6);
        assertThat(attentions(Architectures.read(config)))
                .extracting(AttentionSpec::rope)
                .containsExactly(turned, new RopeSpec.None(), turned);
    }

    @Test
    void readsWhichLayersOfQwen3MoeHaveExperts() {
        ObjectNode config = moe().put("num_hidden_layers", 6).put("decoder_sparse_step", 2);
        config.putArray("mlp_only_layers").add(3);
        FeedForwardSpec dense = new FeedForwardSpec.Dense(128, SILU, FeedForwardSpec.Names.SEPARATE);
        FeedForwardSpec experts = experts(32, 8, FeedForwardSpec.Names.SEPARATE);
        assertThat(Architectures.read(config).layers())
                .extracting(LayerSpec::feedForward)
                .containsExactly(dense, experts, dense, dense, dense, experts);
    }

    private static FeedForwardSpec experts(int intermediateSize, int count, FeedForwardSpec.Names names) {
        return new FeedForwardSpec.Experts(
                intermediateSize, SILU, count, 2, true, FeedForwardSpec.Storage.MODULES, names);
    }

    @Test
    void readsEitherNameOfTheExpertCount() {
        ObjectNode older = moe();
        older.set("num_experts", older.remove("num_local_experts"));
        assertThat(Architectures.read(older)).isEqualTo(Architectures.read(moe()));
        ObjectNode mixtral =
                of("MixtralForCausalLM").putNull("num_key_value_heads").put("num_local_experts", 4);
        assertThat(Architectures.read(mixtral).layers())
                .extracting(LayerSpec::feedForward)
                .containsOnly(experts(128, 4, FeedForwardSpec.Names.MIXTRAL));
    }

    @ParameterizedTest
    @CsvSource({
        "num_experts_per_tok, 9",
        "num_experts_per_tok, 0",
        "num_local_experts, 5000",
        "moe_intermediate_size, -1",
        "decoder_sparse_step, 0",
        "mlp_only_layers, 3",
        "mlp_only_layers, '[-1]'",
    })
    void namesTheKeyOfAWrongMixture(String key, String json) {
        ObjectNode config = moe();
        config.set(key, JsonMapper.shared().readTree(json));
        assertRefused(config, ErrorCode.CONFIG_INVALID, key);
    }

    private static void assertRefused(JsonNode config, ErrorCode code, String named) {
        assertThatThrownBy(() -> Architectures.read(config)).isInstanceOfSatisfying(QuantizationException.class, e -> {
            assertThat(e.code()).isEqualTo(code);
            assertThat(e).hasMessageContaining(named);
        });
    }

    private static ObjectNode llama() {
        return of("LlamaForCausalLM");
    }

    private static ObjectNode moe() {
        return of("Qwen3MoeForCausalLM")
                .put("moe_intermediate_size", 32)
                .put("num_local_experts", 8)
                .put("num_experts_per_tok", 2)
                .put("norm_topk_prob", true);
    }

    private static ObjectNode of(String architecture) {
        ObjectNode config = JsonMapper.shared().createObjectNode();
        config.putArray("architectures").add(architecture);
        return config.put("hidden_size", 64)
                .put("intermediate_size", 128)
                .put("vocab_size", 512)
                .put("num_hidden_layers", 2)
                .put("num_attention_heads", 4)
                .put("rms_norm_eps", 1e-5);
    }

    private static AttentionSpec attention(ModelSpec spec) {
        return attentions(spec).getFirst();
    }

    private static List<AttentionSpec> attentions(ModelSpec spec) {
        return spec.layers().stream()
                .map(LayerSpec::mixer)
                .map(AttentionSpec.class::cast)
                .toList();
    }
}
