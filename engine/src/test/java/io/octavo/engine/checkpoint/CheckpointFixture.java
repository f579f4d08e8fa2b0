package io.octavo.engine.checkpoint;

import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.kernels.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A small checkpoint folder, tensor by tensor. */
public final class CheckpointFixture {

    private final Map<TensorSpec, byte[]> tensors = new LinkedHashMap<>();
    private String config = "{\"architectures\": [\"LlamaForCausalLM\"], \"dtype\": \"bfloat16\"}";

    public CheckpointFixture config(String json) {
        config = json;
        return this;
    }

    public CheckpointFixture with(String name, DType dtype, List<Long> shape, byte... bytes) {
        tensors.put(new TensorSpec(name, dtype, shape), bytes);
        return this;
    }

    /** A bf16 tensor; the values must be exact in bf16. */
    public CheckpointFixture withBf16(String name, List<Long> shape, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 2).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
        }
        return with(name, DType.BF16, shape, bytes.array());
    }

    public CheckpointFixture without(String name) {
        tensors.keySet().removeIf(tensor -> tensor.name().equals(name));
        return this;
    }

    public Path write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), config);
        Path weights = folder.resolve("model.safetensors");
        Files.deleteIfExists(weights);
        try (SafetensorsWriter writer = SafetensorsWriter.create(weights, List.copyOf(tensors.keySet()))) {
            tensors.forEach((tensor, bytes) -> writer.write(tensor.name(), 0, ByteBuffer.wrap(bytes)));
            writer.seal();
        }
        return folder;
    }
}
