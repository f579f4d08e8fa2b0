package io.octavo.engine.layout.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DeclarationTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Configs that say what their weights are, and something that no reader of tensors may pass over. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'quant_method':'gptq','bits':3,'group_size':64}|INT3 in groups of 64|bits is 3; supported: 2, 4, 8",
                "{'quant_method':'gptq','bits':4,'group_size':-1,'dynamic':{'+:x':{}}}|INT4 per channel|dynamic changes",
                "{'quant_method':'gptq','bits':4,'group_size':-1,'pack_dtype':7}|INT4 per channel|pack_dtype is no string",
                "{'quant_method':'fp8','activation_scheme':'static','fmt':'e5m2'}|E4M3 per tensor|fmt is \"e5m2\"",
                "{'quant_method':'fp8','activation_scheme':'static','ignored_layers':1}|E4M3 per tensor|no array of strings",
                "{'quant_method':'modelopt','quant_algo':'FP8_PB_WO'}|E4M3 in blocks of 128 x 128|quant_algo is",
                "{'quant_method':'modelopt_fp4','quant_algo':'FP8'}|E4M3 per tensor|quant_method is \"modelopt_fp4\"",
                "{'quantization':{'quant_algo':'FP8','kv_cache_quant_algo':'INT8'}}|E4M3 per tensor|supported: FP8"
            })
    void readsLenientlyWhatItRefusesStrictly(String config, String weights, String refusal) {
        JsonNode node = JSON.readTree(config.replace('\'', '"'));
        assertThat(Declaration.lenient(node).groups())
                .extracting(group -> group.weights().toString())
                .containsExactly(weights);
        assertThatThrownBy(() -> Declaration.strict(node))
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED))
                .hasMessageContaining(refusal);
    }

    @Test
    void readsGroupsOfCompressedTensorsBothWays() {
        JsonNode node = JSON.readTree("""
                {"quant_method": "compressed-tensors", "quantization_status": "compressed", "ignore": ["lm_head"],
                 "config_groups": {"a": {"targets": ["re:.*q_proj"], "weights":
                   {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 64, "actorder": "group"}}}}
                """);
        var weights = Quantization.stored(new NumberType.IntType(4), new Granularity.PerGroup(64));
        for (Declaration declared : List.of(Declaration.strict(node), Declaration.lenient(node))) {
            Declaration.Group group = declared.groups().getFirst();
            assertThat(group.weights()).isEqualTo(weights);
            assertThat(group.inputs()).isEqualTo(Optional.empty());
            assertThat(group.format()).isEqualTo(CompressedFormat.PACK_QUANTIZED);
            assertThat(group.actOrder()).isTrue();
            assertThat(group.targetsByName(List.of("model.layers.0.self_attn.q_proj")))
                    .isTrue();
            assertThat(declared.ignores(List.of("lm_head"))).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'quant_method':'hqq'}|hqq",
                "{}|without quant_method",
                "{'quant_method':'gptq','bits':5,'group_size':64}|gptq with bits 5 and group_size 64",
                "{'quant_method':'compressed-tensors','config_groups':{'g':{}}}|compressed-tensors: config_groups.g",
                "{'quant_method':'modelopt','quant_algo':7}|modelopt with quant_algo 7"
            })
    void namesWhatItCannotReadAtAll(String config, String name) {
        JsonNode node = JSON.readTree(config.replace('\'', '"'));
        assertThatThrownBy(() -> Declaration.lenient(node))
                .isInstanceOf(QuantizationException.class)
                .hasMessage(name);
        assertThatThrownBy(() -> Declaration.strict(node)).isInstanceOf(QuantizationException.class);
    }

    /** vLLM looks for the listed names in that of what holds a layer's experts, and asks for nothing below it. */
    @ParameterizedTest
    @EnumSource(names = {"GPTQ", "GPTQ_V2", "AWQ"})
    void listsExpertsByWhatHoldsThemToo(Layout layout) {
        Quantization weights = Quantization.stored(new NumberType.IntType(4), new Granularity.PerGroup(32));
        JsonNode config = new Declaration(
                        layout,
                        List.of(Declaration.Group.ofEveryLinear("g", weights, Optional.empty(), false)),
                        List.of(new ModulePattern.Exact("model.layers.1.mlp.experts.0.up_proj")),
                        Optional.empty(),
                        List.of())
                .write(false);
        Predicate<String> skips = layout == Layout.AWQ
                ? name -> config.path("modules_to_not_convert")
                        .valueStream()
                        .anyMatch(each -> name.contains(each.stringValue()))
                : name -> config.path("dynamic").propertyNames().stream()
                        .anyMatch(rule -> Pattern.compile(rule.substring("-:".length()))
                                .matcher(name)
                                .lookingAt());
        assertThat(skips).accepts("model.layers.1.mlp.experts", "model.layers.1.mlp.experts.0.up_proj");
        assertThat(skips).rejects("model.layers.10.mlp.experts", "model.layers.1.mlp.shared_experts.up_proj");
    }
}
