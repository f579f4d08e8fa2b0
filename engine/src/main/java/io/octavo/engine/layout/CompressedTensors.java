package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.scheme.Scheme;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The layout of the compressed-tensors library, which vLLM, SGLang and transformers load.
 *
 * <p>Per quantized module {@code <m>}: {@code <m>.weight} holds codes, {@code <m>.weight_scale} what they are multiplied
 * by. Everything else keeps its name, type and bits.
 */
public final class CompressedTensors {

    /** The layout's name in requests. */
    public static final String NAME = "compressed-tensors";

    /** The value of {@code quant_method}. */
    public static final String QUANT_METHOD = "compressed-tensors";

    public static final String WEIGHT_SUFFIX = ".weight";
    public static final String WEIGHT_SCALE_SUFFIX = ".weight_scale";

    private CompressedTensors() {}

    /** The {@code quantization_config} that belongs into config.json. */
    public static ObjectNode config(Scheme scheme, List<String> ignore) {
        return CompressedTensorsConfig.write(scheme, ignore);
    }

    /** The first tensor whose name no unquantized checkpoint uses, such as scales of any known layout. */
    public static Optional<String> quantizedTensor(Checkpoint checkpoint) {
        return QuantizedModulesReader.quantizedTensor(checkpoint);
    }

    /**
     * Finds the quantized modules of a checkpoint and checks that config and tensors agree.
     *
     * <p>Understood are E4M3 weights per channel or per tensor with dynamic per-token E4M3 inputs or none.
     *
     * @return no modules for a checkpoint without {@code quantization_config}
     * @throws io.octavo.engine.QuantizationException {@code QUANTIZATION_UNSUPPORTED} for everything else
     */
    public static QuantizedModules read(Checkpoint checkpoint) {
        return checkpoint
                .config()
                .quantizationConfig()
                .map(config -> new QuantizedModulesReader(checkpoint, CompressedTensorsConfig.parse(config)).read())
                .orElseGet(() -> QuantizedModulesReader.requirePlain(checkpoint));
    }
}
