package io.octavo.engine.checkpoint;

import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A small checkpoint folder, tensor by tensor. */
public final class CheckpointFixture {

    private final Map<TensorSpec, byte[]> tensors = new LinkedHashMap<>();
    private String config = "{\"architectures\": [\"LlamaForCausalLM\"], \"dtype\": \"bfloat16\"}";

    /** What lies in a folder, tensors and config. */
    public static CheckpointFixture copyOf(Path folder) {
        var copy = new CheckpointFixture();
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            copy.config(new String(checkpoint.config().bytes(), StandardCharsets.UTF_8));
            for (String name : checkpoint.names()) {
                Tensor tensor = checkpoint.tensor(name);
                copy.with(name, tensor.dtype(), tensor.shape(), tensor.segment().toArray(ValueLayout.JAVA_BYTE));
            }
        }
        return copy;
    }

    public String config() {
        return config;
    }

    /** Stores a tensor's bytes under another name, type or shape. */
    public CheckpointFixture as(String name, String newName, DType dtype, List<Long> shape) {
        byte[] bytes = tensors.entrySet().stream()
                .filter(tensor -> tensor.getKey().name().equals(name))
                .findFirst()
                .orElseThrow()
                .getValue();
        return without(name).with(newName, dtype, shape, bytes);
    }

    /** Changes a tensor's bytes in place. */
    public CheckpointFixture change(String name, Consumer<byte[]> change) {
        tensors.forEach((tensor, bytes) -> {
            if (tensor.name().equals(name)) {
                change.accept(bytes);
            }
        });
        return this;
    }

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

    /** Gives another checkpoint a tensor of this one. */
    public CheckpointFixture copy(String name, CheckpointFixture target) {
        tensors.forEach((tensor, bytes) -> {
            if (tensor.name().equals(name)) {
                target.tensors.put(tensor, bytes);
            }
        });
        return this;
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
