package io.octavo.engine.checkpoint;

import io.octavo.engine.safetensors.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** Which output file holds which tensors, known before the first byte is written. */
public record ShardPlan(List<Shard> shards) {

    /** A small artifact is one file, as people expect. */
    private static final long LEAST_SHARD_BYTES = 400_000_000L;

    private static final long MOST_SHARD_BYTES = 5_000_000_000L;

    /** Of a large artifact. */
    private static final int FILES = 24;

    public record Shard(String fileName, List<TensorSpec> tensors) {

        public Shard {
            tensors = List.copyOf(tensors);
        }

        public long byteSize() {
            return TensorSpec.byteSize(tensors);
        }
    }

    public ShardPlan {
        shards = List.copyOf(shards);
    }

    /**
     * Tensor bytes a file: small enough for several files to be written, hashed, verified and sent side by side, each by one
     * thread at a time.
     *
     * @param tensorBytes of the artifact
     */
    public static long shardBytes(long tensorBytes) {
        return Math.clamp(tensorBytes / FILES, LEAST_SHARD_BYTES, MOST_SHARD_BYTES);
    }

    /**
     * Fills shards in the given order.
     *
     * @param groups tensors that stay in one file, such as codes and their scales
     * @param shardBytes tensor bytes a file; a larger group gets a file of its own
     */
    public static ShardPlan of(List<List<TensorSpec>> groups, long shardBytes) {
        var filled = new ArrayList<List<TensorSpec>>();
        long bytes = 0;
        for (List<TensorSpec> group : groups) {
            long groupBytes = TensorSpec.byteSize(group);
            if (filled.isEmpty() || bytes + groupBytes > shardBytes) {
                filled.add(new ArrayList<>());
                bytes = 0;
            }
            filled.getLast().addAll(group);
            bytes += groupBytes;
        }
        var shards = new ArrayList<Shard>();
        for (int i = 0; i < filled.size(); i++) {
            String name = filled.size() == 1
                    ? Checkpoint.SINGLE_FILE
                    : "model-%05d-of-%05d.safetensors".formatted(i + 1, filled.size());
            shards.add(new Shard(name, filled.get(i)));
        }
        return new ShardPlan(shards);
    }

    /** Tensor bytes of all shards, without headers. */
    public long byteSize() {
        return shards.stream().mapToLong(Shard::byteSize).sum();
    }

    /** The index that belongs beside more than one shard; its file name is {@link #INDEX_FILE_NAME}. */
    public Optional<String> indexJson() {
        if (shards.size() < 2) {
            return Optional.empty();
        }
        var files = new LinkedHashMap<String, String>();
        for (Shard shard : shards) {
            shard.tensors.forEach(tensor -> files.put(tensor.name(), shard.fileName));
        }
        return Optional.of(new ShardIndex(files).toJson(byteSize()));
    }

    public static final String INDEX_FILE_NAME = ShardIndex.FILE_NAME;
}
