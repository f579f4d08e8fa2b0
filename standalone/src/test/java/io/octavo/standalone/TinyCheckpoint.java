package io.octavo.standalone;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A checkpoint of one Linear of zeros. */
final class TinyCheckpoint {

    static final byte[] CONFIG = "{\"architectures\":[\"LlamaForCausalLM\"]}".getBytes(StandardCharsets.UTF_8);

    private TinyCheckpoint() {}

    /** The file {@code model.safetensors}. */
    static byte[] weights() {
        byte[] header = """
                {"model.layers.0.mlp.up_proj.weight":{"dtype":"BF16","shape":[64,32],"data_offsets":[0,4096]}}""".getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + header.length + 4096)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }
}
