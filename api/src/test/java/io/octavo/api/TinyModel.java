package io.octavo.api;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A checkpoint of one Linear, byte by byte. */
public final class TinyModel {

    public static final String CONFIG = "{\"architectures\": [\"LlamaForCausalLM\"], \"num_attention_heads\": 4}";

    /** One that can be run, as far as headers tell. */
    public static final String RUNNABLE = CONFIG.replace(
            "}",
            ", \"num_hidden_layers\": 1, \"hidden_size\": 32, \"intermediate_size\": 64,"
                    + " \"vocab_size\": 16, \"max_position_embeddings\": 64}");

    /** One whose weight is of FP8. */
    public static final String FP8 = CONFIG.replace(
            "}", ", \"quantization_config\": {\"quant_method\": \"fp8\", \"activation_scheme\": \"dynamic\"}}");

    /** The same as compressed-tensors says it. */
    public static final String COMPRESSED = CONFIG.replace("}", """
            , "quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized",
              "quantization_status": "compressed", "ignore": ["lm_head"], "config_groups": {"group_0": {
              "targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "strategy": "tensor",
              "symmetric": true, "dynamic": false}}}}}""");

    private TinyModel() {}

    /** @param dtype of the weight, of two bytes or one */
    public static byte[] weights(String dtype) {
        int bytes = 64 * 32 * (dtype.contains("8") ? 1 : 2);
        byte[] header = """
                {"model.layers.0.mlp.up_proj.weight":{"dtype":"%s","shape":[64,32],"data_offsets":[0,%d]}}""".formatted(dtype, bytes).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + header.length + bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }
}
