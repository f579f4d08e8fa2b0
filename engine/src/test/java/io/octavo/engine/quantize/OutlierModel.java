package io.octavo.engine.quantize;

import io.octavo.engine.TestModels;
import io.octavo.kernels.number.BFloat16;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The example model with outlier channels: some gains of its norms are multiplied by a power of two and the weights behind
 * them divided by it, so that it computes the same, and its activations are hard to round.
 */
final class OutlierModel {

    private static final float FACTOR = 64;
    private static final int EVERY = 37; // a handful of the 256 channels

    private final ByteBuffer bytes;
    private final int dataStart;
    private final JsonNode header;

    private OutlierModel(byte[] file) {
        bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int headerBytes = Math.toIntExact(bytes.getLong(0));
        dataStart = Long.BYTES + headerBytes;
        header = JsonMapper.shared().readTree(new String(file, Long.BYTES, headerBytes, StandardCharsets.UTF_8));
    }

    /** @return the folder, which is made */
    static Path write(Path folder) throws IOException {
        Files.createDirectory(folder);
        try (Stream<Path> files = Files.list(TestModels.books5m())) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Path weights = folder.resolve("model.safetensors");
        byte[] file = Files.readAllBytes(weights);
        new OutlierModel(file).spoil();
        Files.write(weights, file);
        return folder;
    }

    private void spoil() {
        for (int layer = 0; header.has("model.layers." + layer + ".input_layernorm.weight"); layer++) {
            String name = "model.layers." + layer + ".";
            scale(name + "input_layernorm", FACTOR);
            scale(name + "post_attention_layernorm", FACTOR);
            for (String linear : List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")) {
                scale(name + linear, 1 / FACTOR);
            }
            scale(name + "mlp.gate_proj", 1 / FACTOR);
            scale(name + "mlp.up_proj", 1 / FACTOR);
        }
    }

    /** Of the tensor's last dimension, every so many channels. */
    private void scale(String module, float factor) {
        JsonNode tensor = header.path(module + ".weight");
        JsonNode shape = tensor.path("shape");
        int channels = shape.get(shape.size() - 1).intValue();
        JsonNode offsets = tensor.path("data_offsets");
        int count = (offsets.get(1).intValue() - offsets.get(0).intValue()) / Short.BYTES;
        for (int i = 0; i < count; i++) {
            if (i % channels % EVERY == 0) {
                int at = dataStart + offsets.get(0).intValue() + i * Short.BYTES;
                bytes.putShort(at, BFloat16.fromFloat(BFloat16.toFloat(bytes.getShort(at)) * factor));
            }
        }
    }
}
