package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.FeedForwardSpec.Storage;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A Qwen3-MoE of two layers with random weights, whose experts can be stored in several ways. */
final class TinyMoe {

    static final int HIDDEN = 32;
    static final int WIDTH = 24;
    static final int EXPERTS = 12;
    static final int PER_TOKEN = 2;
    static final int LAYERS = 2;
    static final int VOCABULARY = 48;

    private static final int HEAD_DIM = 16;
    private static final List<String> PROJECTIONS = List.of("gate_proj", "up_proj", "down_proj");

    private final Map<String, float[]> weights = new LinkedHashMap<>();
    private final Map<TensorSpec, float[]> tensors = new LinkedHashMap<>();
    private final SplittableRandom random = new SplittableRandom(5);

    TinyMoe() {
        random("model.embed_tokens.weight", 1, VOCABULARY, HIDDEN);
        for (int layer = 0; layer < LAYERS; layer++) {
            String prefix = "model.layers." + layer + ".";
            random(prefix + "input_layernorm.weight", 1, HIDDEN);
            random(prefix + "post_attention_layernorm.weight", 1, HIDDEN);
            random(prefix + "self_attn.q_proj.weight", 0.2, 2 * HEAD_DIM, HIDDEN);
            random(prefix + "self_attn.k_proj.weight", 0.2, HEAD_DIM, HIDDEN);
            random(prefix + "self_attn.v_proj.weight", 0.2, HEAD_DIM, HIDDEN);
            random(prefix + "self_attn.o_proj.weight", 0.2, HIDDEN, 2 * HEAD_DIM);
            random(prefix + "self_attn.q_norm.weight", 1, HEAD_DIM);
            random(prefix + "self_attn.k_norm.weight", 1, HEAD_DIM);
            random(prefix + "mlp.gate.weight", 0.5, EXPERTS, HIDDEN);
            for (int expert = 0; expert < EXPERTS; expert++) {
                random(expert(layer, expert, "gate_proj"), 0.3, WIDTH, HIDDEN);
                random(expert(layer, expert, "up_proj"), 0.3, WIDTH, HIDDEN);
                random(expert(layer, expert, "down_proj"), 0.3, HIDDEN, WIDTH);
            }
        }
        random("model.norm.weight", 1, HIDDEN);
        random("lm_head.weight", 0.3, VOCABULARY, HIDDEN);
    }

    static String expert(int layer, int expert, String projection) {
        return "model.layers." + layer + ".mlp.experts." + expert + "." + projection + ".weight";
    }

    private void random(String name, double scale, long... shape) {
        float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = BFloat16.toFloat(BFloat16.fromFloat((float) (scale * random.nextGaussian())));
        }
        weights.put(name, values);
        tensors.put(new TensorSpec(name, DType.BF16, shape), values);
    }

    /** Row-major. */
    float[] weight(String name) {
        return Objects.requireNonNull(weights.get(name), name);
    }

    /** With a module for each expert, as Qwen3-MoE is released. */
    CheckpointFixture checkpoint() {
        var fixture = new CheckpointFixture()
                .config("""
                {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "dtype": "bfloat16", "hidden_size": %d, "num_hidden_layers": %d,
                 "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": %d, "intermediate_size": 64,
                 "moe_intermediate_size": %d, "num_experts": %d, "num_experts_per_tok": %d, "norm_topk_prob": true,
                 "vocab_size": %d, "max_position_embeddings": 64, "rope_theta": 10000.0, "hidden_act": "silu",
                 "tie_word_embeddings": false}
                """.formatted(HIDDEN, LAYERS, HEAD_DIM, WIDTH, EXPERTS, PER_TOKEN, VOCABULARY));
        tensors.forEach((tensor, values) -> fixture.withBf16(tensor.name(), tensor.shape(), values));
        return fixture;
    }

    /** With a tensor for all gates and ups of a layer, and one for all downs. */
    CheckpointFixture stacked(boolean inputFirst) {
        CheckpointFixture fixture = checkpoint();
        for (int layer = 0; layer < LAYERS; layer++) {
            for (int expert = 0; expert < EXPERTS; expert++) {
                for (String projection : PROJECTIONS) {
                    fixture.without(expert(layer, expert, projection));
                }
            }
            stack(fixture, layer, "gate_up_proj", List.of("gate_proj", "up_proj"), 2 * WIDTH, HIDDEN, inputFirst);
            stack(fixture, layer, "down_proj", List.of("down_proj"), HIDDEN, WIDTH, inputFirst);
        }
        return fixture;
    }

    private void stack(
            CheckpointFixture fixture,
            int layer,
            String name,
            List<String> parts,
            int rows,
            int columns,
            boolean inputFirst) {
        float[] stack = new float[EXPERTS * rows * columns];
        for (int expert = 0; expert < EXPERTS; expert++) {
            int number = expert;
            double[] matrix = parts.stream()
                    .flatMap(part -> Stream.of(weight(expert(layer, number, part))))
                    .flatMapToDouble(values -> IntStream.range(0, values.length).mapToDouble(i -> values[i]))
                    .toArray();
            for (int i = 0; i < matrix.length; i++) {
                int at = inputFirst ? i % columns * rows + i / columns : i;
                stack[expert * rows * columns + at] = (float) matrix[i];
            }
        }
        List<Long> shape = inputFirst
                ? List.of((long) EXPERTS, (long) columns, (long) rows)
                : List.of((long) EXPERTS, (long) rows, (long) columns);
        fixture.withBf16("model.layers." + layer + ".mlp.experts." + name, shape, stack);
    }

    /** The same model, with experts stored as {@link #stacked} does. */
    static ModelSpec stacked(ModelSpec spec, boolean inputFirst) {
        List<LayerSpec> layers =
                spec.layers().stream().map(layer -> stacked(layer, inputFirst)).toList();
        return new ModelSpec(
                spec.architecture(),
                spec.hiddenSize(),
                spec.vocabularySize(),
                spec.maxPositions(),
                spec.names(),
                spec.norm(),
                spec.embeddingMultiplier(),
                spec.logitSoftcap(),
                spec.tiedEmbeddings(),
                layers,
                spec.biases(),
                spec.bosTokenId(),
                spec.eosTokenIds());
    }

    private static LayerSpec stacked(LayerSpec layer, boolean inputFirst) {
        var experts = (FeedForwardSpec.Experts) layer.feedForward();
        var fused = new FeedForwardSpec.Experts(
                experts.intermediateSize(),
                experts.activation(),
                experts.count(),
                experts.perToken(),
                experts.normalized(),
                inputFirst ? Storage.STACKED_INPUT_FIRST : Storage.STACKED,
                new FeedForwardSpec.Names("mlp", "gate_up_proj", "gate_up_proj", "down_proj"));
        return new LayerSpec(layer.name(), layer.mixer(), fused, layer.norms());
    }
}
