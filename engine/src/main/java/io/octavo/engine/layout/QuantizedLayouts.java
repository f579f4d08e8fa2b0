package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Checkpoint;
import tools.jackson.databind.JsonNode;

/** Reads quantized checkpoints of every layout that is known. */
public final class QuantizedLayouts {

    private QuantizedLayouts() {}

    /**
     * Finds the quantized modules of a checkpoint and checks that config and tensors agree.
     *
     * @return no modules for a checkpoint without {@code quantization_config}
     * @throws io.octavo.engine.QuantizationException {@code QUANTIZATION_UNSUPPORTED} for what is not understood
     */
    public static QuantizedModules read(Checkpoint checkpoint) {
        String method = checkpoint
                .config()
                .quantizationConfig()
                .map(config -> methodOf(config))
                .orElse(CompressedTensors.QUANT_METHOD);
        return switch (method) {
            case CompressedTensors.QUANT_METHOD -> CompressedTensors.read(checkpoint);
            default ->
                throw StrictObject.unsupported(
                        "quant_method is \"" + method + "\"; supported: " + CompressedTensors.QUANT_METHOD);
        };
    }

    private static String methodOf(JsonNode config) {
        return config.path("quant_method").asString("");
    }
}
