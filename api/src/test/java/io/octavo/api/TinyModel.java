package io.octavo.api;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A checkpoint of one Linear, byte by byte. */
public final class TinyModel {

    public static final String CONFIG = "{\"architectures\": [\"LlamaForCausalLM\"], \"num_attention_heads\": 4}";

    private TinyModel() {}

    /** @param dtype of the weight, of two bytes or one */
    public static byte[] weights(String dtype) {
        int bytes = 64 * 32 * (dtype.equals("I8") ? 1 : 2);
        byte[] header = """
                {"model.layers.0.mlp.up_proj.weight":{"dtype":"%s","shape":[64,32],"data_offsets":[0,%d]}}""".formatted(dtype, bytes).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + header.length + bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }
}
