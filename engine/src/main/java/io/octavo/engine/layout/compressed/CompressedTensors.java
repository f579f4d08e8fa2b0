package io.octavo.engine.layout.compressed;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.CompressedTensorsConfig;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The layout of the compressed-tensors library, which vLLM, SGLang and transformers load.
 *
 * <p>Per quantized module {@code <m>}: {@code <m>.weight} or {@code <m>.weight_packed} holds codes,
 * {@code <m>.weight_scale} what they are multiplied by; {@link CompressedFormat} says which others there are. Everything
 * else keeps its name, type and bits.
 */
public final class CompressedTensors {

    /** The layout's name in requests. */
    public static final String NAME = "compressed-tensors";

    public static final String WEIGHT_SUFFIX = ".weight";
    public static final String WEIGHT_PACKED_SUFFIX = ".weight_packed";
    public static final String INPUT_SCALE_SUFFIX = ".input_scale";
    public static final String INPUT_ZERO_POINT_SUFFIX = ".input_zero_point";
    public static final String INPUT_GLOBAL_SCALE_SUFFIX = ".input_global_scale";

    /** Of an attention module: what keys are multiplied by when they leave the KV cache. */
    public static final String KEY_SCALE_SUFFIX = ".k_scale";

    public static final String VALUE_SCALE_SUFFIX = ".v_scale";

    private CompressedTensors() {}

    /** The {@code quantization_config} of a checkpoint without experts in which one scheme applies to every Linear. */
    public static ObjectNode config(Scheme scheme, List<String> ignore) {
        return config(List.of(CompressedTensorsConfig.Target.everyLinear(scheme, false)), ignore, Optional.empty());
    }

    /** The {@code quantization_config} that belongs into config.json. */
    public static ObjectNode config(
            List<CompressedTensorsConfig.Target> targets, List<String> ignore, Optional<Quantization> kvCache) {
        return CompressedTensorsConfig.write(targets, ignore, kvCache);
    }

    /** The first tensor whose name no unquantized checkpoint uses, such as scales of any known layout. */
    public static Optional<String> quantizedTensor(Checkpoint checkpoint) {
        return QuantizedModulesReader.quantizedTensor(checkpoint);
    }

    /**
     * Finds the quantized modules of a checkpoint and checks that config and tensors agree.
     *
     * @return no modules for a checkpoint without {@code quantization_config}
     * @throws io.octavo.engine.failure.QuantizationException {@code QUANTIZATION_UNSUPPORTED} for everything else
     */
    public static QuantizedModules read(Checkpoint checkpoint) {
        return checkpoint
                .config()
                .quantizationConfig()
                .map(config -> read(checkpoint, Declaration.strict(config)))
                .orElseGet(() -> QuantizedModulesReader.requirePlain(checkpoint));
    }

    /** The same, of a checkpoint whose config is read already. */
    public static QuantizedModules read(Checkpoint checkpoint, Declaration declared) {
        if (declared.layout() != Layout.COMPRESSED_TENSORS) {
            throw Declaration.unsupported("its layout is " + declared.layout().id() + "; expected " + NAME);
        }
        return new QuantizedModulesReader(checkpoint, declared).read();
    }
}
