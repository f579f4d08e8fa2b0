package io.octavo.engine.benchmark;

import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A bf16 Llama of random weights, of any size, without a tokenizer.
 *
 * @param keyValue columns of keys, and of values
 */
public record SyntheticLlama(int hidden, int keyValue, int feedForward, int layers, int vocabulary) {

    private static final int HEAD = 128;
    private static final long SHARD_BYTES = 4_000_000_000L;
    private static final double DEVIATION = 0.02;

    /** The shapes of Llama 3 8B, of which 32 layers and a vocabulary of 128,256 are the whole. */
    public static SyntheticLlama like8b(int layers, int vocabulary) {
        return new SyntheticLlama(4096, 1024, 14336, layers, vocabulary);
    }

    /** The shapes of LLaMA 13B. */
    static SyntheticLlama like13b() {
        return new SyntheticLlama(5120, 5120, 13824, 40, 32000);
    }

    /** Writes the checkpoint unless it is there, in files of 4 GB. */
    public void write(Path folder) throws IOException {
        Path config = folder.resolve(ConfigJson.FILE_NAME);
        if (Files.exists(config)) {
            return;
        }
        Files.createDirectories(folder);
        ShardPlan plan = ShardPlan.of(tensors().stream().map(List::of).toList(), SHARD_BYTES);
        ByteBuffer numbers = numbers();
        plan.shards().parallelStream()
                .forEach(shard -> write(folder.resolve(shard.fileName()), shard.tensors(), numbers));
        if (plan.indexJson().isPresent()) {
            Files.writeString(
                    folder.resolve(ShardPlan.INDEX_FILE_NAME), plan.indexJson().get());
        }
        Files.writeString(
                config, """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "bfloat16", "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
                 "vocab_size": %d, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05, "rope_theta": 500000.0,
                 "hidden_act": "silu", "tie_word_embeddings": false, "bos_token_id": 0, "eos_token_id": 0}
                """.formatted(hidden, feedForward, layers, hidden / HEAD, keyValue / HEAD, vocabulary));
    }

    private List<TensorSpec> tensors() {
        var tensors = new ArrayList<TensorSpec>();
        tensors.add(new TensorSpec("model.embed_tokens.weight", DType.BF16, vocabulary, hidden));
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            tensors.add(new TensorSpec(prefix + "input_layernorm.weight", DType.BF16, hidden));
            tensors.add(new TensorSpec(prefix + "self_attn.q_proj.weight", DType.BF16, hidden, hidden));
            tensors.add(new TensorSpec(prefix + "self_attn.k_proj.weight", DType.BF16, keyValue, hidden));
            tensors.add(new TensorSpec(prefix + "self_attn.v_proj.weight", DType.BF16, keyValue, hidden));
            tensors.add(new TensorSpec(prefix + "self_attn.o_proj.weight", DType.BF16, hidden, hidden));
            tensors.add(new TensorSpec(prefix + "post_attention_layernorm.weight", DType.BF16, hidden));
            tensors.add(new TensorSpec(prefix + "mlp.gate_proj.weight", DType.BF16, feedForward, hidden));
            tensors.add(new TensorSpec(prefix + "mlp.up_proj.weight", DType.BF16, feedForward, hidden));
            tensors.add(new TensorSpec(prefix + "mlp.down_proj.weight", DType.BF16, hidden, feedForward));
        }
        tensors.add(new TensorSpec("model.norm.weight", DType.BF16, hidden));
        tensors.add(new TensorSpec("lm_head.weight", DType.BF16, vocabulary, hidden));
        return tensors;
    }

    private static ByteBuffer numbers() {
        var random = new SplittableRandom(42);
        ByteBuffer numbers = ByteBuffer.allocateDirect(1 << 24).order(ByteOrder.LITTLE_ENDIAN);
        while (numbers.hasRemaining()) {
            numbers.putShort(BFloat16.fromFloat((float) (random.nextGaussian() * DEVIATION)));
        }
        return numbers;
    }

    private static void write(Path file, List<TensorSpec> tensors, ByteBuffer numbers) {
        ByteBuffer own = numbers.duplicate();
        try (var writer = SafetensorsWriter.create(file, tensors)) {
            for (TensorSpec tensor : tensors) {
                for (long at = 0; at < tensor.byteSize(); at += own.capacity()) {
                    own.clear().limit((int) Math.min(own.capacity(), tensor.byteSize() - at));
                    writer.write(tensor.name(), at, own);
                }
            }
            writer.seal();
        }
    }
}
