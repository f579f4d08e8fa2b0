package io.octavo.engine.plan;

import io.octavo.engine.checkpoint.CheckpointFiles;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A checkpoint of any size that takes no room: real headers, and behind them nothing. Counts what is read of it.
 */
final class SparseCheckpoint {

    private final Path folder;
    private final Map<String, Long> sizes = new TreeMap<>();
    private final List<List<String>> shards = new ArrayList<>();
    private final List<Long> shardBytes = new ArrayList<>();
    private final Map<String, String> index = new TreeMap<>();
    final AtomicLong bytesRead = new AtomicLong();

    SparseCheckpoint(Path folder) {
        this.folder = folder;
    }

    /** 94 layers of 128 experts in 200 files, as the largest Qwen3. */
    static SparseCheckpoint largeMixture(Path folder) throws IOException {
        var sparse = new SparseCheckpoint(folder).shard();
        sparse.with("model.embed_tokens.weight", "BF16", 151_936, 4096);
        int experts = 94 * 128;
        int written = 0;
        for (int layer = 0; layer < 94; layer++) {
            String prefix = "model.layers." + layer + ".";
            sparse.with(prefix + "input_layernorm.weight", "BF16", 4096)
                    .with(prefix + "post_attention_layernorm.weight", "BF16", 4096)
                    .with(prefix + "self_attn.q_norm.weight", "BF16", 128)
                    .with(prefix + "self_attn.k_norm.weight", "BF16", 128)
                    .with(prefix + "self_attn.q_proj.weight", "BF16", 8192, 4096)
                    .with(prefix + "self_attn.k_proj.weight", "BF16", 512, 4096)
                    .with(prefix + "self_attn.v_proj.weight", "BF16", 512, 4096)
                    .with(prefix + "self_attn.o_proj.weight", "BF16", 4096, 8192)
                    .with(prefix + "mlp.gate.weight", "BF16", 128, 4096);
            for (int expert = 0; expert < 128; expert++) {
                if (written * 200L / experts > (written - 1) * 200L / experts && written > 0) {
                    sparse.shard();
                }
                written++;
                String module = prefix + "mlp.experts." + expert;
                sparse.with(module + ".gate_proj.weight", "BF16", 1536, 4096)
                        .with(module + ".up_proj.weight", "BF16", 1536, 4096)
                        .with(module + ".down_proj.weight", "BF16", 4096, 1536);
            }
        }
        sparse.with("model.norm.weight", "BF16", 4096).with("lm_head.weight", "BF16", 151_936, 4096);
        return sparse.write("""
                {"architectures": ["Qwen3MoeForCausalLM"], "hidden_size": 4096, "intermediate_size": 12288,
                 "moe_intermediate_size": 1536, "vocab_size": 151936, "num_hidden_layers": 94, "num_experts": 128,
                 "num_experts_per_tok": 8, "num_attention_heads": 64, "num_key_value_heads": 4, "head_dim": 128,
                 "tie_word_embeddings": false, "dtype": "bfloat16"}""");
    }

    /** 126 layers in 200 files, 812 GB, as the largest Llama 3.1. */
    static SparseCheckpoint largeDense(Path folder) throws IOException {
        var sparse = new SparseCheckpoint(folder).shard();
        sparse.with("model.embed_tokens.weight", "BF16", 128_256, 16_384);
        int linears = 126 * 7;
        int written = 0;
        for (int layer = 0; layer < 126; layer++) {
            String prefix = "model.layers." + layer + ".";
            sparse.with(prefix + "input_layernorm.weight", "BF16", 16_384)
                    .with(prefix + "post_attention_layernorm.weight", "BF16", 16_384);
            for (String module : List.of(
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.o_proj",
                    "mlp.gate_proj",
                    "mlp.up_proj",
                    "mlp.down_proj")) {
                if (written > 0 && written * 200L / linears > (written - 1) * 200L / linears) {
                    sparse.shard();
                }
                written++;
                long[] shape = switch (module) {
                    case "self_attn.k_proj", "self_attn.v_proj" -> new long[] {1024, 16_384};
                    case "mlp.gate_proj", "mlp.up_proj" -> new long[] {53_248, 16_384};
                    case "mlp.down_proj" -> new long[] {16_384, 53_248};
                    default -> new long[] {16_384, 16_384};
                };
                sparse.with(prefix + module + ".weight", "BF16", shape);
            }
        }
        sparse.with("model.norm.weight", "BF16", 16_384).with("lm_head.weight", "BF16", 128_256, 16_384);
        return sparse.write("""
                {"architectures": ["LlamaForCausalLM"], "hidden_size": 16384, "intermediate_size": 53248,
                 "vocab_size": 128256, "num_hidden_layers": 126, "num_attention_heads": 128, "num_key_value_heads": 8,
                 "head_dim": 128, "tie_word_embeddings": false, "dtype": "bfloat16"}""");
    }

    /** One layer with the shapes of Llama 3 8B, and a small vocabulary; all of it zeros. */
    static SparseCheckpoint layerOf8b(Path folder) throws IOException {
        var sparse = new SparseCheckpoint(folder).shard();
        String layer = "model.layers.0.";
        return sparse.with("model.embed_tokens.weight", "BF16", 8192, 4096)
                .with(layer + "input_layernorm.weight", "BF16", 4096)
                .with(layer + "self_attn.q_proj.weight", "BF16", 4096, 4096)
                .with(layer + "self_attn.k_proj.weight", "BF16", 1024, 4096)
                .with(layer + "self_attn.v_proj.weight", "BF16", 1024, 4096)
                .with(layer + "self_attn.o_proj.weight", "BF16", 4096, 4096)
                .with(layer + "post_attention_layernorm.weight", "BF16", 4096)
                .with(layer + "mlp.gate_proj.weight", "BF16", 14_336, 4096)
                .with(layer + "mlp.up_proj.weight", "BF16", 14_336, 4096)
                .with(layer + "mlp.down_proj.weight", "BF16", 4096, 14_336)
                .with("model.norm.weight", "BF16", 4096)
                .with("lm_head.weight", "BF16", 8192, 4096)
                .write("""
                        {"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 14336,
                         "vocab_size": 8192, "rms_norm_eps": 1e-05, "num_hidden_layers": 1, "num_attention_heads": 32, "num_key_value_heads": 8,
                         "tie_word_embeddings": false, "dtype": "bfloat16"}""");
    }

    /** Begins a new file. */
    SparseCheckpoint shard() {
        shards.add(new ArrayList<>());
        shardBytes.add(0L);
        return this;
    }

    /** A tensor of the last file. */
    SparseCheckpoint with(String name, String dtype, long... shape) {
        long bytes = dtype.equals("F32") ? 4 : 2;
        StringBuilder dimensions = new StringBuilder();
        for (long dimension : shape) {
            bytes *= dimension;
            dimensions.append(dimensions.isEmpty() ? "" : ",").append(dimension);
        }
        long begin = shardBytes.getLast();
        shards.getLast()
                .add("\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                        .formatted(name, dtype, dimensions, begin, begin + bytes));
        shardBytes.set(shardBytes.size() - 1, begin + bytes);
        index.put(name, fileName(shards.size() - 1));
        return this;
    }

    private static String fileName(int shard) {
        return "model-%05d.safetensors".formatted(shard + 1);
    }

    SparseCheckpoint write(String config) throws IOException {
        write("config.json", config.getBytes(StandardCharsets.UTF_8), 0);
        for (int i = 0; i < shards.size(); i++) {
            byte[] header = ("{" + String.join(",", shards.get(i)) + "}").getBytes(StandardCharsets.UTF_8);
            ByteBuffer bytes = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
            write(fileName(i), bytes.putLong(header.length).put(header).array(), shardBytes.get(i));
        }
        List<String> places = index.entrySet().stream()
                .map(entry -> '"' + entry.getKey() + "\":\"" + entry.getValue() + '"')
                .toList();
        String map = "{\"weight_map\":{" + String.join(",", places) + "}}";
        write("model.safetensors.index.json", map.getBytes(StandardCharsets.UTF_8), 0);
        return this;
    }

    private void write(String name, byte[] begin, long more) throws IOException {
        try (var file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
            file.write(begin);
            file.setLength(begin.length + more);
        }
        sizes.put(name, begin.length + more);
    }

    /** An empty file beside the weights. */
    SparseCheckpoint withFile(String name) throws IOException {
        write(name, new byte[0], 0);
        return this;
    }

    long bytes() {
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Takes a file away. */
    void remove(String name) {
        sizes.remove(name);
    }

    CheckpointFiles files() {
        return new CheckpointFiles(sizes, this::open);
    }

    private InputStream open(String path, long offset, long length) throws IOException {
        bytesRead.addAndGet(length);
        try (var channel = Files.newByteChannel(folder.resolve(path))) {
            InputStream content = Channels.newInputStream(channel.position(offset));
            return new ByteArrayInputStream(content.readNBytes(Math.toIntExact(length)));
        }
    }
}
