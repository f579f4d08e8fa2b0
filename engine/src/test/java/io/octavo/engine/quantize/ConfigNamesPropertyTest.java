package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.module.LoaderNames;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Whatever a model's modules are called, its config names each of them as every loader spells it, on one side alone. */
class ConfigNamesPropertyTest {

    /** Every name of projections in the role table, and some that no row has. */
    private static final List<String> QUANTIZED =
            List.of(("q_proj k_proj v_proj gate_proj up_proj w1 w3 qkv_proj o_proj gate_up_proj down_proj"
                            + " w2 q_a_proj kv_a_proj_with_mqa in_proj_qkv in_proj_z in_proj_b in_proj_a wq query q"
                            + " wk key k wv value v query_key_value wqkv w_pack qkv c_attn q_attn kv_proj dense"
                            + " dense_h_to_4h dense_4h_to_h c_proj c_fc fc1 fc2 fc_in fc_out wi wi_0 wi_1 wo o"
                            + " out_proj in_proj proj q_b_proj kv_b_proj kv_a_proj q_down_proj q_up_proj wq_b"
                            + " in_proj_qkvz in_proj_ba x_proj dt_proj g_proj b_proj f_a_proj f_b_proj g_a_proj"
                            + " g_b_proj weights_proj dense_1 dense_2 wkv thing other_linear 7 lin")
                    .split(" "));

    private static final List<String> KEPT =
            List.of(("gate router moe_gate gate_network gate.wg shared_expert_gate text_experts_gate"
                            + " my_router embed_tokens wte wpe emb shared embedding word_embed_tokens head"
                            + " output_layer score classifier qa_outputs text_head per_layer_embeddings pos_emb"
                            + " attention_bias")
                    .split(" "));

    private static final List<String> OUTSIDE = List.of(
            ("lm_head visual.blocks.0.attn.qkv vision_tower.encoder.layers.0.mlp.fc1 vision_tower.vision_model.head.fc1"
                            + " multi_modal_projector.linear_1 connector.proj mlp1.0 resampler.kv vpm.layers.0.fc1"
                            + " audio_tower.layers.1.fc1 mtp.layers.0.q_proj mtp_block.fc model.visual.merger.mlp.0")
                    .split(" "));

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.",
                "language_model.model.",
                "model.language_model.",
                "transformer.",
                "backbone.",
                "thinker.model.",
                ""
            })
    void everyMatrixIsNamedOnOneSideUnderEverySpelling(String prefix) throws IOException {
        var random = new SplittableRandom(prefix.hashCode());
        for (int round = 0; round < 10; round++) {
            boolean parts = random.nextBoolean();
            CheckpointFixture model = model(prefix, parts, random);
            try (Checkpoint checkpoint = Checkpoint.open(model.write(folder))) {
                assertNamed(checkpoint, plan(checkpoint, List.of()), false);
                var overrides = List.of(new SchemeOverride("W4A16_G32", List.of("re:.*layers\\.1\\..*")));
                assertNamed(checkpoint, plan(checkpoint, overrides), true);
            }
        }
    }

    private static QuantizationPlan plan(Checkpoint checkpoint, List<SchemeOverride> overrides) {
        var recipe = new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()).withOverrides(overrides);
        return Quantizer.plan(checkpoint, recipe);
    }

    private static CheckpointFixture model(String prefix, boolean parts, SplittableRandom random) {
        var model = new CheckpointFixture()
                .config("{\"architectures\": [\"X\"], \"vocab_size\": 96, \"num_hidden_layers\": 2"
                        + (parts
                                ? ", \"text_config\": {\"hidden_size\": 32}, \"vision_config\": {}"
                                : ", \"hidden_size\": 32")
                        + "}");
        var names = new HashSet<String>();
        for (int layer = 0; layer < 2; layer++) {
            names.add(prefix + "layers." + layer + ".mlp.down_proj");
            for (int i = 0; i < 6; i++) {
                names.add(prefix + "layers." + layer + "." + pick(List.of("mlp", "self_attn", "mixer"), random) + "."
                        + (random.nextInt(4) == 0 ? madeUp(random) : pick(QUANTIZED, random)));
                names.add(prefix + "layers." + layer + ".mlp." + pick(KEPT, random));
            }
        }
        for (int i = 0; i < 4; i++) {
            names.add(pick(OUTSIDE, random));
            names.add(prefix + pick(KEPT, random));
        }
        names.forEach(name -> model.with(name + ".weight", DType.BF16, List.of(64L, 32L), new byte[64 * 32 * 2]));
        return model;
    }

    /** A name that no table has; digits, capitals and signs that mean something in patterns among it. */
    private static String madeUp(SplittableRandom random) {
        var name = new StringBuilder("x");
        for (int i = random.nextInt(1, 9); i > 0; i--) {
            name.append("abXZ09_-+*$(".charAt(random.nextInt(12)));
        }
        return name.toString();
    }

    private static String pick(List<String> words, SplittableRandom random) {
        return words.get(random.nextInt(words.size()));
    }

    private static void assertNamed(Checkpoint checkpoint, QuantizationPlan plan, boolean twoSchemes) {
        JsonNode root = checkpoint.config().tree();
        JsonNode config = plan.quantizationConfig(root);
        Set<String> ignore = Set.copyOf(texts(config.path("ignore")).toList());
        List<String> targets = config.path("config_groups")
                .valueStream()
                .flatMap(group -> texts(group.path("targets")))
                .toList();
        var names = new LoaderNames(root, checkpoint.names());
        for (Quantize action : plan.quantized()) {
            assertThat(names.spellings(action.module())).as(action.module()).doesNotContainAnyElementsOf(ignore);
            if (twoSchemes) {
                // Once each: in one group, and not in another.
                assertThat(names.spellings(action.module()))
                        .allSatisfy(name -> assertThat(targets)
                                .filteredOn(name::equals)
                                .as(name)
                                .hasSize(1));
            }
        }
        for (Keep action : plan.kept()) {
            TensorInfo tensor = action.source().info();
            String module = tensor.name().substring(0, tensor.name().length() - ".weight".length());
            if (!module.endsWith("embed_tokens")) {
                assertThat(ignore).as(module).containsAll(names.spellings(module));
            }
            assertThat(targets).as(module).doesNotContainAnyElementsOf(names.spellings(module));
        }
        assertThat(targets.contains("Linear")).isEqualTo(!twoSchemes);
        assertThat(plan.quantized().size() + plan.kept().size())
                .isEqualTo(checkpoint.names().size());
    }

    private static Stream<String> texts(JsonNode array) {
        return array.valueStream().map(JsonNode::stringValue);
    }
}
