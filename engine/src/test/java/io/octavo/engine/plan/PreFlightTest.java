package io.octavo.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.modify.Equalization;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.plan.PlanReport.ModuleGroup;
import io.octavo.engine.plan.PlanReport.Resources;
import io.octavo.engine.plan.PlanReport.TensorParallel;
import io.octavo.engine.plan.PlanReport.Warning;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreFlightTest {

    private static final Recipe FP8 = new Recipe("FP8_DYNAMIC", "compressed-tensors", List.of());

    @TempDir
    Path folder;

    @Test
    void readsNothingButHeadersOfALargeMixture() throws IOException {
        SparseCheckpoint sparse = SparseCheckpoint.largeMixture(folder);
        assertThat(sparse.bytes()).isGreaterThan(400_000_000_000L);
        sparse.bytesRead.set(0);

        PlanReport report = plan(sparse, FP8);

        assertThat(sparse.bytesRead.get()).isLessThan(50_000_000);
        assertThat(report.quantizedModules()).isEqualTo(94 * (4 + 3 * 128));
        assertThat(report.modules()).hasSizeLessThan(20);
        assertThat(report.modules())
                .filteredOn(group -> group.name().contains("experts"))
                .extracting(ModuleGroup::name, ModuleGroup::count)
                .contains(org.assertj.core.groups.Tuple.tuple(
                        "model.layers.{0..93}.mlp.experts.{0..127}.gate_proj", 94 * 128));
        assertThat(report.inputBytes()).isCloseTo(2 * report.outputBytes(), within(report.inputBytes() / 20));
        assertThat(report.outputFiles()).isGreaterThan(40);
    }

    @Test
    void foretellsWhatTheQuantizerDoes() throws IOException {
        PlanReport report;
        try (Checkpoint model = Checkpoint.open(TestModels.books5m())) {
            report = PreFlight.quantization(model, FP8);
        }
        try (Backend backend = Backends.cpu(2)) {
            var request = new QuantizationRequest(
                    TestModels.books5m(), folder.resolve("out"), new Recipe(FP8.scheme(), FP8.layout(), FP8.ignore()));
            QuantizationResult result = new Quantizer(backend, 2).quantize(request, JobMonitor.none());
            assertThat(report.label()).isEqualTo(result.label());
            assertThat(report.quantizedModules()).isEqualTo(result.quantizedModules());
            assertThat(report.weightBits()).isEqualTo(result.weightBits());
            assertThat(report.inputBytes()).isEqualTo(result.inputBytes());
            assertThat(report.outputBytes()).isEqualTo(result.outputBytes());
        }
        assertThat(report.warnings()).containsExactly(new Warning("loader", "below sm_89 inputs stay 16-bit: W8A16"));
        assertThat(report.executions())
                .filteredOn(execution -> execution.gpus().equals("sm_80"))
                .extracting(PlanReport.Execution::runsAs)
                .containsExactly("W8A16");
        assertThat(report.modules())
                .filteredOn(group -> group.name().equals("model.layers.{0..3}.mlp.down_proj"))
                .singleElement()
                .satisfies(group -> {
                    assertThat(group.count()).isEqualTo(4);
                    assertThat(group.stored())
                            .containsExactly("weight F8_E4M3 [256, 704]", "weight_scale BF16 [256, 1]");
                    assertThat(group.reason()).isNull();
                });
        assertThat(report.modules())
                .filteredOn(group -> !group.quantized())
                .extracting(ModuleGroup::name, ModuleGroup::reason)
                .contains(org.assertj.core.groups.Tuple.tuple("model.embed_tokens.weight", "embedding"));
    }

    @Test
    void tellsOverHowManyGpusTheResultCanBeSplit() throws IOException {
        PlanReport report = plan(model("BF16", 6, 2, 1408), FP8);
        assertThat(report.tensorParallel())
                .extracting(TensorParallel::possible)
                .containsExactly(true, true, false, false);
        assertThat(report.tensorParallel().get(2).obstacles())
                .containsExactly("num_attention_heads 6 is not divisible by 4");
        assertThat(plan(model("BF16", 8, 2, 1410), FP8).tensorParallel().get(2).obstacles())
                .containsExactly(
                        "model.layers.{0..1}.mlp.gate_proj: outFeatures 1410 is not divisible by 4",
                        "model.layers.{0..1}.mlp.down_proj: inFeatures 1410 is not divisible by 4");
        assertThat(plan(model("BF16", 9, 3, 1408), FP8).tensorParallel().get(1).obstacles())
                .contains("num_key_value_heads 3 neither is divisible by 2 nor divides it");
    }

    /** The config of the decoder lies in that of the whole. */
    @Test
    void splitsTheDecoderOfAMultimodalModel() throws IOException {
        SparseCheckpoint model = new SparseCheckpoint(folder)
                .shard()
                .with("language_model.model.layers.0.self_attn.q_proj.weight", "BF16", 384, 512)
                .write("{\"architectures\": [\"X\"], \"text_config\": {\"num_attention_heads\": 6}}");
        assertThat(plan(model, FP8).tensorParallel().get(2).obstacles())
                .contains("num_attention_heads 6 is not divisible by 4");
    }

    @Test
    void warnsOfABiasThatTheArchitectureHasNot() throws IOException {
        SparseCheckpoint model = model("BF16", 8, 2, 1408)
                .with("model.layers.0.self_attn.q_proj.bias", "BF16", 512)
                .with("model.layers.1.self_attn.q_proj.bias", "BF16", 512);
        complete(model);
        String sizes = ", \"hidden_size\": 512, \"vocab_size\": 96, \"intermediate_size\": 1408,"
                + " \"num_hidden_layers\": 2, \"num_attention_heads\": 8, \"num_key_value_heads\": 2}";
        assertThat(plan(model.write("{\"architectures\": [\"LlamaForCausalLM\"]" + sizes), FP8)
                        .warnings())
                .filteredOn(warning -> warning.code().equals("bias-without-effect"))
                .singleElement()
                .extracting(PlanReport.Warning::message)
                .asString()
                .contains("model.layers.{0..1}.self_attn.q_proj.bias");
        assertThat(plan(model.write("{\"architectures\": [\"Qwen2ForCausalLM\"]" + sizes), FP8)
                        .warnings())
                .noneMatch(warning -> warning.code().equals("bias-without-effect"));
    }

    /** What {@link #model} leaves out of a Llama. */
    private static void complete(SparseCheckpoint model) {
        for (int layer = 0; layer < 2; layer++) {
            String prefix = "model.layers." + layer + ".";
            model.with(prefix + "self_attn.v_proj.weight", "BF16", 128, 512)
                    .with(prefix + "self_attn.o_proj.weight", "BF16", 512, 512)
                    .with(prefix + "mlp.up_proj.weight", "BF16", 1408, 512)
                    .with(prefix + "input_layernorm.weight", "BF16", 512)
                    .with(prefix + "post_attention_layernorm.weight", "BF16", 512);
        }
        model.with("model.embed_tokens.weight", "BF16", 96, 512)
                .with("model.norm.weight", "BF16", 512)
                .with("lm_head.weight", "BF16", 96, 512);
    }

    /** Loaders would run the model with numbers of their own in its place. */
    @Test
    void refusesAKnownArchitectureWithAHoleAndTellsOfOneInAnother() throws IOException {
        String sizes = ", \"hidden_size\": 512, \"vocab_size\": 96, \"intermediate_size\": 1408,"
                + " \"num_hidden_layers\": 2, \"num_attention_heads\": 8, \"num_key_value_heads\": 2}";
        SparseCheckpoint llama = model("BF16", 8, 2, 1408).write("{\"architectures\": [\"LlamaForCausalLM\"]" + sizes);
        assertThatThrownBy(() -> plan(llama, FP8))
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.CHECKPOINT_TENSOR_MISSING))
                .hasMessageContaining("no model.embed_tokens.weight");
        SparseCheckpoint other = new SparseCheckpoint(folder).shard();
        for (int layer = 0; layer < 5; layer++) {
            String prefix = "model.layers." + layer + ".self_attn.";
            other.with(prefix + "k_proj.weight", "BF16", 128, 512);
            if (layer != 3) {
                other.with(prefix + "q_proj.weight", "BF16", 128, 512);
            }
        }
        assertThat(plan(other.write("{\"architectures\": [\"X\"]}"), FP8).warnings())
                .filteredOn(warning -> warning.code().equals("module-missing"))
                .singleElement()
                .extracting(Warning::message)
                .asString()
                .startsWith("model.layers.3.self_attn has no q_proj, which 4 others of its kind have: ");
    }

    @Test
    void findsExpertsThatAreTooSmallForATile() throws IOException {
        SparseCheckpoint model = new SparseCheckpoint(folder).shard();
        for (int expert = 0; expert < 2; expert++) {
            String prefix = "model.layers.0.mlp.experts." + expert + ".";
            model.with(prefix + "gate_proj.weight", "BF16", 768, 512)
                    .with(prefix + "up_proj.weight", "BF16", 768, 512)
                    .with(prefix + "down_proj.weight", "BF16", 512, 768);
        }
        model.write("{\"architectures\": [\"X\"], \"num_attention_heads\": 8}");
        String experts = "model.layers.0.mlp.experts.{0..1}.";
        assertThat(plan(model, new Recipe("W4AFP8", "compressed-tensors", List.of()))
                        .tensorParallel()
                        .get(1)
                        .obstacles())
                .containsExactlyInAnyOrder(
                        experts + "gate_proj: 768 / 2 = 384 is not divisible by the 256 that vLLM wants of experts",
                        experts + "up_proj: 768 / 2 = 384 is not divisible by the 256 that vLLM wants of experts",
                        experts + "down_proj: 768 / 2 = 384 is not divisible by the 256 that vLLM wants of experts");
        assertThat(plan(model, FP8).tensorParallel().get(1).obstacles()).isEmpty();
    }

    @Test
    void findsScalesThatSpanACut() throws IOException {
        Recipe groups = new Recipe("W4A16", "compressed-tensors", List.of());
        assertThat(plan(model("BF16", 8, 4, 1408), groups).tensorParallel())
                .filteredOn(split -> split.ways() == 2)
                .flatExtracting(TensorParallel::obstacles)
                .containsExactly("model.layers.{0..1}.mlp.down_proj: inFeatures 1408 / 2 = 704 is not divisible by the"
                        + " 128 input channels that share a scale");
        assertThat(plan(model("BF16", 8, 4, 1408), new Recipe("W4A16_CHANNEL", "awq", List.of()))
                        .tensorParallel()
                        .get(1)
                        .obstacles())
                .singleElement()
                .asString()
                .contains("down_proj: a scale a channel", "awq");
        assertThat(plan(model("BF16", 8, 4, 1408), new Recipe("W4A16_CHANNEL", "gptq", List.of()))
                        .tensorParallel()
                        .get(1)
                        .obstacles())
                .isEmpty();
        Recipe blocks = new Recipe("FP8_BLOCK", "compressed-tensors", List.of());
        assertThat(plan(model("BF16", 8, 4, 1536), blocks).tensorParallel())
                .filteredOn(split -> split.ways() == 4)
                .flatExtracting(TensorParallel::obstacles)
                .contains("model.layers.{0..1}.self_attn.k_proj: outFeatures 256 / 4 = 64 is not divisible by the"
                        + " block's 128 rows");
    }

    @Test
    void warnsOfWhatMaySurprise() throws IOException {
        assertThat(plan(model("F16", 8, 2, 1408), FP8).warnings())
                .extracting(Warning::code)
                .containsExactly("loader", "cannot-be-evaluated");
        assertThat(plan(model("BF16", 8, 2, 1410), FP8).warnings())
                .filteredOn(warning -> warning.code().equals("uneven-for-fp8"))
                .first()
                .extracting(Warning::message)
                .isEqualTo("model.layers.{0..1}.mlp.gate_proj: shape [1410, 512] is not divisible by 16, which GPU"
                        + " kernels for 8-bit floats ask for; vLLM does not load a scale a channel of such outFeatures on"
                        + " sm_89 and newer: ignore the module or give it another scheme");
        SparseCheckpoint joined = new SparseCheckpoint(Files.createDirectories(folder.resolve("joined")))
                .shard()
                .with("model.layers.0.mlp.gate_proj.weight", "BF16", 1400, 512)
                .with("model.layers.0.mlp.up_proj.weight", "BF16", 1400, 512)
                .write("{\"architectures\": [\"X\"]}");
        // Joined they are 2,800, which 16 divides.
        assertThat(plan(joined, FP8).warnings())
                .filteredOn(warning -> warning.code().equals("uneven-for-fp8"))
                .hasSize(2)
                .allSatisfy(warning -> assertThat(warning.message()).doesNotContain("vLLM"));
        Path fused = Files.createDirectories(folder.resolve("fused"));
        SparseCheckpoint experts = new SparseCheckpoint(fused)
                .shard()
                .with("model.layers.0.self_attn.q_proj.weight", "BF16", 64, 64)
                .with("model.layers.0.mlp.mystery.weight", "BF16", 64, 64)
                .with("model.layers.0.mlp.experts.gate_up_proj", "BF16", 8, 512, 64)
                .write("{\"architectures\": [\"Unknown\"]}");
        assertThat(plan(experts, FP8).warnings())
                .extracting(Warning::code)
                .containsExactly(
                        "loader", "cannot-be-evaluated", "experts-in-one-tensor", "unknown-module", "mostly-kept");
    }

    @ParameterizedTest
    @CsvSource({
        "W8A8, qwen3_moe, transformers cannot load",
        "NVFP4A16, qwen3_moe, without an error",
        "FP8_DYNAMIC, qwen3_moe, ",
        "W8A8, llama4_text, ",
        "W8A8, not_known, "
    })
    void saysWhichExpertsTransformersTakes(String scheme, String type, @Nullable String expected) throws IOException {
        SparseCheckpoint experts = new SparseCheckpoint(Files.createDirectories(folder.resolve("experts")))
                .shard()
                .with("model.layers.0.self_attn.q_proj.weight", "BF16", 64, 64)
                .with("model.layers.0.mlp.experts.0.up_proj.weight", "BF16", 64, 64)
                .with("model.layers.0.mlp.experts.1.up_proj.weight", "BF16", 64, 64)
                .write("{\"architectures\": [\"X\"], \"model_type\": \"" + type + "\"}");
        assertThat(plan(experts, recipe(scheme)).warnings())
                .filteredOn(warning -> warning.code().equals("experts-in-transformers"))
                .extracting(Warning::message)
                .hasSize(expected == null ? 0 : 1)
                .allSatisfy(message -> assertThat(message).startsWith(scheme).contains(String.valueOf(expected)));
    }

    /** As transformers 5.18 took them: right, in error, or wrong in silence; vLLM took all of them. */
    @ParameterizedTest
    @CsvSource({
        "W4A16_G64, W4A16_G32, qwen3_moe, false",
        "FP8_DYNAMIC, W4A16_G32, qwen3_moe, true",
        "W8A16_CHANNEL, W4A16_CHANNEL, qwen3_moe, true",
        "W8A16_CHANNEL, W4A16_CHANNEL, llama4_text, false"
    })
    void saysWhereExpertsOfLayersDiffer(String scheme, String other, String type, boolean told) throws IOException {
        SparseCheckpoint experts = new SparseCheckpoint(Files.createDirectories(folder.resolve("layers"))).shard();
        for (int layer = 0; layer < 2; layer++) {
            experts.with("model.layers." + layer + ".mlp.experts.0.up_proj.weight", "BF16", 64, 64);
        }
        experts.write("{\"architectures\": [\"X\"], \"model_type\": \"" + type + "\", \"num_experts\": 1,"
                + " \"num_hidden_layers\": 2}");
        Recipe recipe = recipe(scheme)
                .withOverrides(List.of(new SchemeOverride(other, List.of("re:.*layers\\.0\\.mlp\\.experts\\..*"))));
        assertThat(plan(experts, recipe).warnings())
                .filteredOn(warning -> warning.message().contains("stored differently"))
                .extracting(Warning::code)
                .hasSize(told ? 1 : 0)
                .allMatch("experts-in-transformers"::equals);
    }

    /** Rows as transformers 5.18 took small models of these families, or raised. */
    @ParameterizedTest
    @CsvSource({
        "W4A16_G32, t5, look",
        "NVFP4A16, modernbert, look",
        "MXFP4, falcon, look",
        "FP8_DYNAMIC, t5, ",
        "W8A8, mamba2, ",
        "MXFP8, xlstm, ",
        "W4A16_G32, hrm_text, cut",
        "FP8_DYNAMIC, hrm_text, ",
        "FP8_DYNAMIC, ibert, as numbers",
        "W4A16_G32, llama, "
    })
    void saysWhichFamiliesTransformersTakes(String scheme, String type, @Nullable String expected) throws IOException {
        SparseCheckpoint model = new SparseCheckpoint(Files.createDirectories(folder.resolve("family")))
                .shard()
                .with("model.layers.0.self_attn.q_proj.weight", "BF16", 64, 64)
                .write("{\"architectures\": [\"X\"], \"model_type\": \"" + type + "\"}");
        assertThat(plan(model, recipe(scheme)).warnings())
                .filteredOn(warning -> warning.code().equals("family-in-transformers"))
                .extracting(Warning::message)
                .hasSize(expected == null ? 0 : 1)
                .allSatisfy(message -> assertThat(message)
                        .startsWith(scheme + ": transformers ")
                        .contains(String.valueOf(expected)));
    }

    @ParameterizedTest
    @CsvSource({
        "MXFP4A16, float16, true",
        "NVFP4A16, float16, true",
        "MXFP8, float32, true",
        "MXFP8, bfloat16, false",
        "W8A8, float16, false"
    })
    void saysWhatTransformersExpandsToAnotherTypeThanTheModels(String scheme, String type, boolean expected)
            throws IOException {
        SparseCheckpoint model = new SparseCheckpoint(Files.createDirectories(folder.resolve("typed")))
                .shard()
                .with("model.layers.0.self_attn.q_proj.weight", type.equals("float32") ? "F32" : "F16", 64, 64)
                .write("{\"architectures\": [\"X\"], \"model_type\": \"llama\", \"dtype\": \"" + type + "\"}");
        assertThat(plan(model, recipe(scheme)).warnings())
                .filteredOn(warning -> warning.message().contains("expands this format to bfloat16"))
                .hasSize(expected ? 1 : 0);
    }

    @Test
    void refusesWhatTheQuantizerWouldRefuse() throws IOException {
        SparseCheckpoint model = model("BF16", 8, 2, 1408);
        assertRefused(ErrorCode.SCHEME_UNKNOWN, () -> plan(model, new Recipe("FP7", FP8.layout(), List.of())));
        assertRefused(ErrorCode.LAYOUT_UNKNOWN, () -> plan(model, new Recipe(FP8.scheme(), "zip", List.of())));
        assertRefused(
                ErrorCode.IGNORE_INVALID,
                () -> plan(model, new Recipe(FP8.scheme(), FP8.layout(), List.of("model.layers.0.mlp.upproj"))));
        Files.delete(folder.resolve("model-00001.safetensors"));
        assertRefused(ErrorCode.IO_FAILED, () -> plan(model, FP8));
        model.remove("model-00001.safetensors");
        assertRefused(ErrorCode.CHECKPOINT_SHARD_MISSING, () -> plan(model, FP8));
    }

    @Test
    void refusesStoredScalesOfActivationsWithoutData() throws IOException {
        SparseCheckpoint model = model("BF16", 8, 2, 1408);
        for (String scheme : List.of("FP8", "NVFP4", "W8A8_STATIC", "W8A8_STATIC_ASYM")) {
            assertRefused(ErrorCode.CALIBRATION_MISSING, () -> plan(model, recipe(scheme)));
        }
        Recipe cache = FP8.withKvCache(KvCacheQuantization.FP8_PER_HEAD);
        assertRefused(ErrorCode.CALIBRATION_MISSING, () -> plan(model, cache));
        Recipe override = FP8.withOverrides(List.of(new SchemeOverride("FP8", List.of("re:.*down_proj"))));
        assertRefused(ErrorCode.CALIBRATION_MISSING, () -> plan(model, override));
    }

    /** 1024 tokens of a layer of 3.2 billion weights: a seventh of its bytes for activations. */
    @Test
    void countsOneLayerAndTheHiddenStatesOfACalibration() throws IOException {
        SparseCheckpoint sparse = SparseCheckpoint.largeDense(folder).withFile("tokenizer.json");
        long layer = 2L * 16_384 * (2 * 16_384 + 2 * 1024 + 3 * 53_248 + 2);
        long states = 64L * 1024 * 16_384 * Float.BYTES;

        Resources calibrated = plan(sparse, recipe("FP8").withCalibration(new CalibrationShape(64, 1024, 0)))
                .resources();

        assertThat(calibrated.deviceBytes() - states).isBetween(layer + layer / 8, layer + layer / 6);
        assertThat(calibrated.hostBytes()).isBetween(states, states + (1L << 30));
        assertThat(plan(sparse, FP8.withCalibration(new CalibrationShape(64, 1024, 0)))
                        .resources())
                .isEqualTo(plan(sparse, FP8).resources());
    }

    /** What rounding costs each module is seen on data, layer by layer. */
    @Test
    void countsALayerThatABudgetIsChosenOn() throws IOException {
        SparseCheckpoint sparse = SparseCheckpoint.largeDense(folder).withFile("tokenizer.json");
        long layer = 2L * 16_384 * (2 * 16_384 + 2 * 1024 + 3 * 53_248 + 2);
        long states = 64L * 1024 * 16_384 * Float.BYTES;
        Recipe plain = recipe("W4A16").withCalibration(new CalibrationShape(64, 1024, 0));
        Recipe budget = plain.withBudget(Budget.of(new Budget.Bits(5), "W4A16"));

        assertThat(plan(sparse, plain).resources().deviceBytes()).isLessThan(layer);
        assertThat(plan(sparse, budget).resources().deviceBytes() - states).isBetween(layer, layer + layer / 6);
    }

    /** Where codes are solved for what the original model gives, that runs beside the solved one. */
    @Test
    void countsBothModelsThatSolvingRuns() throws IOException {
        SparseCheckpoint sparse = SparseCheckpoint.largeDense(folder).withFile("tokenizer.json");
        long states = 64L * 1024 * 16_384 * Float.BYTES;
        Recipe one = recipe("W4A16")
                .withCalibration(new CalibrationShape(64, 1024, 0))
                .withModifiers(List.of(new Gptq(Gptq.DEFAULT_DAMPENING, true, true, true, true, false)));
        Recipe both = one.withModifiers(List.of(new Gptq()));

        long down = 4L * 53_248 * 53_248;
        assertThat(plan(sparse, both).resources().hostBytes()
                        - plan(sparse, one).resources().hostBytes())
                .isEqualTo(states);
        // Means of products of what goes into the widest Linear, and their factor.
        assertThat(plan(sparse, one).resources().deviceBytes() - states).isBetween(2 * down, 2 * down + (6L << 30));
        assertThat(plan(sparse, both).resources().deviceBytes()).isGreaterThan(4 * down);
    }

    /** A processor keeps large squares in files while it calibrates. */
    @Test
    void countsTheDiskThatLargeBuffersOfACalibrationTake() throws IOException {
        SparseCheckpoint sparse = SparseCheckpoint.largeDense(folder).withFile("tokenizer.json");
        Recipe plain = recipe("W8A8_STATIC").withCalibration(new CalibrationShape(4, 64, 0));
        long files = disk(sparse, recipe("W8A8"));
        long weights = 2L * 3 * 53_248 * 16_384;
        long products = 4L * 53_248 * 53_248;
        long observed = disk(sparse, plain);
        assertThat(observed - files).as("weights of a layer").isBetween(weights, 2 * weights);
        assertThat(disk(sparse, plain.withModifiers(List.of(new SmoothQuant()))) - observed)
                .as("squares of inputs, a number a channel")
                .isBetween(0L, products / 1000);
        assertThat(disk(sparse, plain.withModifiers(List.of(new Gptq()))) - files)
                .as("products of channels")
                .isBetween(4 * products, 8 * products);
        assertThat(disk(sparse, recipe("W8A8").withModifiers(List.of(new Equalization()))))
                .isEqualTo(files);
    }

    private static long disk(SparseCheckpoint model, Recipe recipe) throws IOException {
        return plan(model, recipe).resources().diskBytes();
    }

    @Test
    void tellsWhereTextsAreCutToTheModelsPositions() throws IOException {
        for (int length : List.of(1024, 1025)) {
            Recipe recipe = recipe("W8A8_STATIC").withCalibration(new CalibrationShape(4, length, 0));
            assertThat(PreFlight.quantization(Checkpoint.ofHeaders(files(TestModels.books5m())), recipe)
                            .warnings())
                    .extracting(PlanReport.Warning::code)
                    .filteredOn("texts-cut-to-positions"::equals)
                    .hasSize(length - 1024);
        }
    }

    @Test
    void refusesDataForModelsThatCannotBeRunOnIt() throws IOException {
        Recipe calibrated = recipe("NVFP4").withCalibration(new CalibrationShape(8, 128, 0));
        SparseCheckpoint unknown = new SparseCheckpoint(folder)
                .shard()
                .with("model.layers.0.self_attn.q_proj.weight", "BF16", 64, 64)
                .write("{\"architectures\": [\"Unknown\"]}");
        assertRefused(ErrorCode.ARCHITECTURE_UNSUPPORTED, () -> plan(unknown, calibrated));
        Path moe = GeneratedModel.write("qwen3-moe", folder.resolve("moe"));
        assertRefused(
                ErrorCode.TOKENIZER_MISSING,
                () -> PreFlight.quantization(Checkpoint.ofHeaders(files(moe)), calibrated));
    }

    private static Recipe recipe(String scheme) {
        return new Recipe(scheme, "compressed-tensors", List.of());
    }

    @Test
    void refusesToEvaluateWhatCannotBeRun() throws IOException {
        assertThat(evaluation(files(TestModels.books5m())))
                .isEqualTo(new EvaluationPlan("BF16", "LlamaForCausalLM", 10_097_152, 8192, 1024));
        assertRefused(
                ErrorCode.CONFIG_INVALID,
                () -> evaluation(model("BF16", 8, 2, 1408).files()));
        SparseCheckpoint unknown = new SparseCheckpoint(folder)
                .shard()
                .with("model.norm.weight", "BF16", 8)
                .write(
                        "{\"architectures\": [\"LlamaForCausalLM\"], \"quantization_config\": {\"quant_method\": \"x\"}}");
        assertRefused(ErrorCode.QUANTIZATION_UNSUPPORTED, () -> evaluation(unknown.files()));
        Path model = GeneratedModel.write("qwen3-moe", folder.resolve("moe"));
        assertRefused(ErrorCode.TOKENIZER_MISSING, () -> evaluation(files(model)));
    }

    /** Users write them, and each byte becomes many in memory. */
    @Test
    void headersAreLimitedTogetherAndToldBeforeTheyAreRead() throws IOException {
        SparseCheckpoint sparse = model("BF16", 8, 2, 1408);
        var told = new java.util.concurrent.atomic.AtomicLong();
        Checkpoint.ofHeaders(sparse.files(), told::addAndGet).close();
        assertThat(told.get()).isBetween(100L, 10_000L);
        byte[] begin = new byte[1 << 17];
        java.nio.ByteBuffer.wrap(begin).order(java.nio.ByteOrder.LITTLE_ENDIAN).putLong(64_000_001);
        var huge = new CheckpointFiles(
                Map.of("config.json", 2L, "model.safetensors", 70_000_000L),
                (path, offset, length) -> new java.io.ByteArrayInputStream(
                        path.equals("config.json") ? "{}".getBytes(java.nio.charset.StandardCharsets.UTF_8) : begin));
        assertRefused(ErrorCode.SAFETENSORS_HEADER_TOO_LARGE, () -> Checkpoint.ofHeaders(huge, told::addAndGet));
    }

    @Test
    void readsNoBytesBehindTheHeaders() throws IOException {
        try (Checkpoint checkpoint =
                Checkpoint.ofHeaders(model("BF16", 8, 2, 1408).files())) {
            assertThatThrownBy(() -> checkpoint.tensor("model.layers.0.mlp.gate_proj.weight"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("only the header");
            assertThatThrownBy(checkpoint::sideFiles).isInstanceOf(IllegalStateException.class);
        }
    }

    private SparseCheckpoint model(String dtype, int heads, int keyHeads, long intermediate) throws IOException {
        var sparse = new SparseCheckpoint(folder).shard();
        for (int layer = 0; layer < 2; layer++) {
            String prefix = "model.layers." + layer + ".";
            sparse.with(prefix + "self_attn.q_proj.weight", dtype, heads * 64L, 512)
                    .with(prefix + "self_attn.k_proj.weight", dtype, keyHeads * 64L, 512)
                    .with(prefix + "mlp.gate_proj.weight", dtype, intermediate, 512)
                    .with(prefix + "mlp.down_proj.weight", dtype, 512, intermediate);
        }
        return sparse.write("{\"architectures\": [\"LlamaForCausalLM\"], \"num_attention_heads\": " + heads
                + ", \"num_key_value_heads\": " + keyHeads + "}");
    }

    /** What is stored would be loaded as it is, and fail in the first forward pass. */
    @ParameterizedTest
    @CsvSource({
        "vocab_size, 96, 97, CHECKPOINT_SHAPE_MISMATCH",
        "intermediate_size, 96, 128, CHECKPOINT_SHAPE_MISMATCH",
        "num_hidden_layers, 3, 0, CONFIG_INVALID",
        "num_hidden_layers, 3, 4, CHECKPOINT_TENSOR_MISSING"
    })
    void refusesConfigsThatContradictTheTensors(String size, int stored, int told, ErrorCode code) throws IOException {
        Path model = GeneratedModel.write("llama", folder.resolve("model"));
        Path config = model.resolve("config.json");
        String right = Files.readString(config).replaceAll("\\s", "");
        String wrong = right.replace("\"" + size + "\":" + stored, "\"" + size + "\":" + told);
        assertThat(wrong).isNotEqualTo(right);
        Files.writeString(config, wrong);
        assertRefused(code, () -> PreFlight.quantization(Checkpoint.ofHeaders(files(model)), FP8));
    }

    private static PlanReport plan(SparseCheckpoint sparse, Recipe request) {
        try (Checkpoint checkpoint = Checkpoint.ofHeaders(sparse.files())) {
            return PreFlight.quantization(checkpoint, request);
        }
    }

    private static EvaluationPlan evaluation(CheckpointFiles files) {
        try (Checkpoint checkpoint = Checkpoint.ofHeaders(files)) {
            return PreFlight.evaluation(checkpoint);
        }
    }

    private static void assertRefused(ErrorCode code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    private static CheckpointFiles files(Path folder) throws IOException {
        Map<String, Long> sizes = new java.util.TreeMap<>();
        try (var paths = Files.list(folder)) {
            for (Path path : paths.toList()) {
                sizes.put(path.getFileName().toString(), Files.size(path));
            }
        }
        return new CheckpointFiles(sizes, (path, offset, length) -> {
            InputStream content = Files.newInputStream(folder.resolve(path));
            content.skipNBytes(offset);
            return content;
        });
    }
}
