package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.module.LoaderNames;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class QuantizationPlanTest {

    private static final List<Long> MATRIX = List.of(2L, 2L);

    @TempDir
    Path folder;

    /** vLLM computes with the size of experts' groups, and fails where a channel has none. */
    @ParameterizedTest
    @CsvSource({
        "W4A16_CHANNEL, experts.0.w1, -1",
        "W8A16_CHANNEL, experts.0.w1, -1",
        "W4A16_CHANNEL, gate_proj, 0",
        "W8A8, experts.0.w1, 0"
    })
    void writesTheGroupsOfExpertsWithAScaleAChannel(String scheme, String module, int size) throws IOException {
        var model = new CheckpointFixture()
                .with("layers.0.mlp." + module + ".weight", DType.BF16, List.of(64L, 32L), new byte[64 * 32 * 2]);
        ObjectNode config;
        try (Checkpoint checkpoint = Checkpoint.open(model.write(folder))) {
            config = Quantizer.plan(checkpoint, new Recipe(scheme, CompressedTensors.NAME, List.of()))
                    .quantizationConfig(checkpoint.config().tree());
        }
        assertThat(config.at("/config_groups/group_0/weights/group_size").asInt(0))
                .isEqualTo(size);
        assertThat(config.at("/config_groups/group_0/weights/strategy").asString())
                .isEqualTo("channel");
    }

    @Test
    void quantizesLinearWeightsAndSaysWhyOthersStay() throws IOException {
        QuantizationPlan plan = plan(
                matrices(
                                "model.layers.0.self_attn.q_proj",
                                "model.layers.0.mlp.gate_proj",
                                "model.layers.0.mlp.up_proj",
                                "model.layers.0.mlp.gate",
                                "model.layers.0.mlp.shared_expert_gate",
                                "model.layers.0.mlp.experts.3.w2",
                                "model.layers.2.mlp.down_proj",
                                "mtp.fc",
                                "model.embed_tokens",
                                "vision_tower.blocks.0.attn.qkv",
                                "multi_modal_projector.linear_1",
                                "lm_head")
                        .withBf16("model.norm.weight", List.of(2L), 1, 1)
                        .withBf16("model.layers.0.self_attn.q_proj.bias", List.of(2L), 1, 1)
                        .withBf16("model.layers.0.conv.weight", List.of(1L, 2L, 1L), 1, 1)
                        .config("{\"architectures\": [\"X\"], \"num_hidden_layers\": 2}"),
                List.of());

        assertThat(plan.quantized().stream().map(Quantize::module))
                .containsExactlyInAnyOrder(
                        "model.layers.0.self_attn.q_proj",
                        "model.layers.0.mlp.gate_proj",
                        "model.layers.0.mlp.up_proj",
                        "model.layers.0.mlp.experts.3.w2");
        assertThat(plan.ignore())
                .containsExactly(
                        "lm_head",
                        "model.layers.0.mlp.gate",
                        "model.layers.0.mlp.shared_expert_gate",
                        "model.layers.2.mlp.down_proj",
                        "mtp.fc",
                        "multi_modal_projector.linear_1",
                        LoaderNames.pattern(ModuleRole.TOWER).orElseThrow(),
                        "vision_tower.blocks.0.attn.qkv");
        assertThat(plan.kept()).allSatisfy(action -> assertThat(action.reason()).isNotEmpty());
    }

    @Test
    void listsTheHeadEvenWhereItIsTied() throws IOException {
        assertThat(plan(matrices("model.layers.0.fc"), List.of()).ignore()).containsExactly("lm_head");
    }

    /** Whatever families call their modules, no loader may be left to guess what a matrix is. */
    @Test
    void quantizesOrIgnoresEveryMatrixWhateverItIsCalled() throws IOException {
        var random = new SplittableRandom(7);
        List<String> words = List.of(
                ("q_proj k_proj v_proj o_proj gate up_proj w1 w3 wqkv router wg gate shared output head output_layer lm_head"
                                + " embed_tokens wte patch_embedding norm mtp_layers mtp_block visual vision_tower connector"
                                + " mlp1 resampler vpm vit audio_projector layers experts model language_model 0 1 7 x thing")
                        .split(" "));
        List<List<Long>> shapes = List.of(MATRIX, List.of(3L, 2L), List.of(4L, 2L), List.of(1L, 2L), List.of(2L));
        for (int round = 0; round < 40; round++) {
            CheckpointFixture model = matrices("model.layers.0.mlp.down_proj")
                    .config("{\"architectures\": [\"X\"], \"vocab_size\": 4, \"hidden_size\": 2, \"num_experts\": 3}");
            for (int i = 0; i < 20; i++) {
                String name = IntStream.rangeClosed(0, random.nextInt(5))
                        .mapToObj(part -> words.get(random.nextInt(words.size())))
                        .collect(Collectors.joining("."));
                List<Long> shape = shapes.get(random.nextInt(shapes.size()));
                int count = Math.toIntExact(shape.stream().reduce(1L, (a, b) -> a * b));
                model.without(name + ".weight").withBf16(name + ".weight", shape, new float[count]);
            }
            QuantizationPlan plan = plan(model, List.of());
            assertThat(plan.kept()).allSatisfy(kept -> {
                String tensor = kept.source().info().name();
                String module = tensor.substring(0, tensor.length() - ".weight".length());
                boolean matrix = kept.source().info().shape().size() == 2;
                assertThat(plan.ignore().contains(module) || module.endsWith("embed_tokens") || !matrix)
                        .as(module)
                        .isTrue();
            });
            assertThat(plan.quantized().stream().map(Quantize::module)).doesNotContainAnyElementsOf(plan.ignore());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "shared, 4, 2",
        "output, 4, 2",
        "head, 4, 2",
        "transformer.output_layer, 4, 2",
        "model.mtp_layers.0.input_proj, 2, 2",
        "model.mtp_block.0.mlp.up_proj, 2, 2",
        "model.vision_tower.embeddings.patch_embedding, 2, 2",
        "model.layers.0.mlp.gate.wg, 3, 2",
    })
    void leavesAloneWhatIsNoProjectionUnderAnyName(String module, int rows, int columns) throws IOException {
        QuantizationPlan plan = plan(
                matrices("model.layers.0.mlp.down_proj")
                        .withBf16(module + ".weight", List.of((long) rows, (long) columns), new float[rows * columns])
                        .config("{\"architectures\": [\"X\"], \"vocab_size\": 4, \"d_model\": 2}"),
                List.of());
        assertThat(plan.ignore())
                .filteredOn(entry ->
                        !entry.equals(LoaderNames.pattern(ModuleRole.TOWER).orElseThrow()))
                .containsExactlyInAnyOrder("lm_head", module);
        assertThat(plan.quantized()).hasSize(1);
    }

    /** Of GPT-2 nothing is left, and the message says which modules those are and how a weight would have to lie. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"architectures\": [\"GPT2LMHeadModel\"], \"model_type\": \"gpt2\"}",
                "{\"architectures\": [\"X\"], \"model_type\": \"vision-encoder-decoder\","
                        + " \"decoder\": {\"model_type\": \"gpt2\"}}"
            })
    void leavesTransposedWeightsAloneAndSaysSo(String config) throws IOException {
        CheckpointFixture gpt2 =
                matrices("h.0.attn.c_attn", "h.0.mlp.c_fc", "wte").config(config);
        assertThat(catchThrowableOfType(QuantizationException.class, () -> plan(gpt2, List.of())))
                .returns(ErrorCode.NOTHING_TO_QUANTIZE, QuantizationException::code)
                .hasMessage(
                        "none of the checkpoint's 3 tensors is the weight of a Linear to quantize, a matrix NAME.weight"
                                + " [outFeatures, inFeatures]; left alone are: 1 embedding (first wte.weight [2, 2]); 2 weight that"
                                + " lies as [inFeatures, outFeatures], which loaders do not take quantized (first"
                                + " h.0.attn.c_attn.weight [2, 2])");
    }

    @Test
    void ignoresByNameAndByPattern() throws IOException {
        CheckpointFixture model = matrices("a.o_proj", "a.down_proj", "b.down_proj", "b.fc");
        QuantizationPlan plan = plan(model, List.of("a.o_proj", "re:.*down_proj$"));
        assertThat(plan.quantized().stream().map(Quantize::module)).containsExactly("b.fc");
        assertThat(plan.ignore()).containsExactly("a.down_proj", "a.o_proj", "b.down_proj", "lm_head");
        assertThat(plan.kept().stream().map(Keep::reason)).containsOnly("ignored by request");
    }

    @Test
    void patternsMatchFromTheStartOfTheName() throws IOException {
        CheckpointFixture model = matrices("a.fc", "b.a.fc");
        assertThat(plan(model, List.of("re:a\\.")).quantized().stream().map(Quantize::module))
                .containsExactly("b.a.fc");
    }

    @Test
    void acceptsAnIgnoredHeadThatIsNotStored() throws IOException {
        assertThat(plan(matrices("a.fc"), List.of("lm_head")).quantized()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"absent", "a.f", "re:absent.*", "re:(", "re:(?=a)b", "re:a{1001}", "re:((x{40}){40}){2}", ""})
    void refusesIgnoreEntriesThatCannotBeMeant(String ignore) throws IOException {
        assertThat(codeOf(matrices("a.fc"), List.of(ignore))).isEqualTo(ErrorCode.IGNORE_INVALID);
    }

    @Test
    void refusesMoreRegularExpressionsThanAnyoneNeeds() throws IOException {
        assertThat(codeOf(matrices("a.fc", "b.fc"), Collections.nCopies(65, "re:a.*")))
                .isEqualTo(ErrorCode.IGNORE_INVALID);
    }

    @Test
    void answersHostilePatternsAtOnce() throws IOException {
        CheckpointFixture model = matrices("x".repeat(1000) + ".fc", "b.fc");
        assertThat(codeOf(model, List.of("re:(x+x+)+y"))).isEqualTo(ErrorCode.IGNORE_INVALID);
    }

    @ParameterizedTest
    @CsvSource({"q_proj, k_proj", "v_proj, q_proj", "gate_proj, up_proj", "w3, w1"})
    void refusesToSplitWhatLoadersFuse(String ignored, String quantized) throws IOException {
        CheckpointFixture model = matrices("m." + ignored, "m." + quantized, "m.o_proj");
        assertThat(codeOf(model, List.of("m." + ignored))).isEqualTo(ErrorCode.IGNORE_INVALID);
        assertThat(plan(model, List.of("m." + ignored, "m." + quantized)).quantized())
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"architectures\": []}", "{\"architectures\": null}", "{\"architectures\": [1]}"})
    void refusesConfigsWithoutArchitecture(String config) throws IOException {
        assertThat(codeOf(matrices("a.fc").config(config), List.of())).isEqualTo(ErrorCode.ARCHITECTURE_MISSING);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"quantization_config\": {}}",
                "{\"quantization_config\": {\"quant_method\": \"gptq\"}}",
                "{\"compression_config\": {\"x\": 1}}",
                "{\"text_config\": {\"quantization_config\": {\"x\": 1}}}"
            })
    void refusesConfigsThatSayQuantized(String config) throws IOException {
        assertThat(codeOf(matrices("a.fc").config(config), List.of())).isEqualTo(ErrorCode.ALREADY_QUANTIZED);
    }

    @Test
    void refusesTracesOfOtherQuantizers() throws IOException {
        for (String tensor : new String[] {"a.qweight", "a.weight_packed", "a.weight_scale", "a.weight_scale_inv"}) {
            CheckpointFixture model = matrices("b.fc").withBf16(tensor, MATRIX, 1, 2, 3, 4);
            assertThat(codeOf(model, List.of())).as(tensor).isEqualTo(ErrorCode.ALREADY_QUANTIZED);
        }
        matrices("a.fc").write(folder);
        Files.writeString(folder.resolve("hf_quant_config.json"), "{}");
        assertThat(codeOf(matrices("a.fc"), List.of())).isEqualTo(ErrorCode.ALREADY_QUANTIZED);
    }

    @Test
    void refusesCheckpointsWithoutLinearWeights() throws IOException {
        CheckpointFixture model = new CheckpointFixture().withBf16("model.norm.weight", List.of(2L), 1, 1);
        assertThat(codeOf(model, List.of())).isEqualTo(ErrorCode.NOTHING_TO_QUANTIZE);
        assertThat(codeOf(matrices("a.fc"), List.of("a.fc"))).isEqualTo(ErrorCode.NOTHING_TO_QUANTIZE);
    }

    @Test
    void refusesWeightsOfOtherTypes() throws IOException {
        for (DType dtype : new DType[] {DType.F8_E4M3, DType.I8, DType.U8}) {
            CheckpointFixture model = new CheckpointFixture().with("a.fc.weight", dtype, MATRIX, new byte[4]);
            assertThat(codeOf(model, List.of())).isEqualTo(ErrorCode.TENSOR_DTYPE_UNSUPPORTED);
        }
    }

    @Test
    void leavesWeightsWithoutElementsAlone() throws IOException {
        QuantizationPlan plan = plan(matrices("a.fc").with("b.fc.weight", DType.BF16, List.of(0L, 2L)), List.of());
        assertThat(plan.quantized()).hasSize(1);
        assertThat(plan.ignore()).containsExactly("b.fc", "lm_head");
    }

    @Test
    void refusesSchemesThatItCannotCompute() throws IOException {
        var scheme = new Scheme(
                "W4A16",
                Quantization.stored(new NumberType.IntType(4), new Granularity.PerGroup(128)),
                Optional.empty());
        matrices("a.fc").write(folder);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(catchThrowableOfType(
                                    QuantizationException.class,
                                    () -> QuantizationPlan.of(checkpoint, scheme, List.of()))
                            .code())
                    .isEqualTo(ErrorCode.SCHEME_UNSUITABLE);
        }
    }

    private static CheckpointFixture matrices(String... modules) {
        var fixture = new CheckpointFixture();
        for (String module : modules) {
            fixture.withBf16(module + ".weight", MATRIX, 1, 2, 3, 4);
        }
        return fixture;
    }

    private QuantizationPlan plan(CheckpointFixture fixture, List<String> ignore) throws IOException {
        fixture.write(folder);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return QuantizationPlan.of(checkpoint, Scheme.FP8_DYNAMIC, ignore);
        }
    }

    private ErrorCode codeOf(CheckpointFixture fixture, List<String> ignore) throws IOException {
        return catchThrowableOfType(QuantizationException.class, () -> plan(fixture, ignore))
                .code();
    }

    /** transformers 5.18 expands experts by the first group, whatever it names. */
    @Test
    void namesExpertsInTheFirstGroup() throws IOException {
        CheckpointFixture model = matrices(
                "model.layers.0.attn.o_proj", "model.layers.0.mlp.experts.0.w1", "model.layers.0.mlp.experts.0.w3");
        try (Checkpoint checkpoint = Checkpoint.open(model.write(folder))) {
            var recipe = new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of())
                    .withOverrides(List.of(new SchemeOverride("W8A8", List.of("re:.*attn.*"))));
            ObjectNode config = Quantizer.plan(checkpoint, recipe)
                    .quantizationConfig(checkpoint.config().tree());
            assertThat(config.at("/config_groups/group_0/weights/type").asString())
                    .isEqualTo("float");
            assertThat(config.at("/config_groups/group_1/targets/0").asString())
                    .isEqualTo("model.layers.0.attn.o_proj");
        }
    }

    /** The module of layer 3 has no tensor: a pattern must pass it over. */
    @Test
    void listsBlocksOfLayersThatShareThem() throws IOException {
        QuantizationPlan plan = plan(
                matrices("model.layers.1.shared_transf.self_attn.q_proj", "model.layers.1.mamba.in_proj"), List.of());
        assertThat(plan.quantized().stream().map(Quantize::module)).containsExactly("model.layers.1.mamba.in_proj");
        assertThat(plan.ignore())
                .filteredOn(entry -> entry.startsWith("re:"))
                .singleElement()
                .satisfies(pattern -> {
                    ModulePattern shared = ModulePattern.parse(pattern, ErrorCode.IGNORE_INVALID);
                    assertThat(shared.matches("model.layers.3.shared_transf.self_attn.q_proj"))
                            .isTrue();
                    assertThat(shared.matches("model.layers.3.mamba.in_proj")).isFalse();
                });
    }

    /** Loaders make a Linear of it that shares the embedding's tensor: a scheme for every Linear must pass it over. */
    @ParameterizedTest
    @CsvSource({
        "whisper, proj_out",
        "bert, cls.predictions.decoder",
        "modernbert, decoder",
        "big_bird, cls.predictions.decoder",
        "xmod, lm_head.decoder",
        "t5gemma2, lm_head.out_proj",
        "biogpt, output_projection"
    })
    void listsHeadsThatHaveNoTensor(String type, String head, @TempDir Path folder) throws IOException {
        var model = new CheckpointFixture()
                .config("{\"architectures\": [\"X\"], \"model_type\": \"" + type + "\"}")
                .withBf16("model.layers.0.fc1.weight", List.of(8L, 8L), new float[64]);
        try (Checkpoint checkpoint = Checkpoint.open(model.write(folder))) {
            assertThat(Quantizer.plan(checkpoint, new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()))
                            .ignore())
                    .contains(head);
        }
    }
}
