package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.fp8.Fp8Reader;
import io.octavo.engine.layout.integer.IntegerReader;
import io.octavo.engine.layout.modelopt.ModelOptReader;
import io.octavo.engine.layout.modelopt.ModelOptWriter;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedModules;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads quantized checkpoints of every layout that is known. */
public final class QuantizedLayouts {

    /** Where ModelOpt declares what config.json does not mention. */
    public static final String MODELOPT_FILE = ModelOptWriter.FILE;

    private QuantizedLayouts() {}

    /** The declared quantization: config.json's, or else the one that ModelOpt leaves beside it. */
    public static Optional<JsonNode> config(Checkpoint checkpoint) {
        return checkpoint.config().quantizationConfig().or(() -> beside(checkpoint));
    }

    /** What {@value #MODELOPT_FILE} declares, where there is one. */
    public static Optional<JsonNode> beside(Checkpoint checkpoint) {
        return checkpoint.sideConfig(MODELOPT_FILE).map(ConfigJson::tree);
    }

    /**
     * Finds the quantized modules of a checkpoint and checks that config and tensors agree.
     *
     * @return no modules for a checkpoint without {@code quantization_config}
     * @throws io.octavo.engine.failure.QuantizationException {@code QUANTIZATION_UNSUPPORTED} for what is not understood
     */
    public static QuantizedModules read(Checkpoint checkpoint) {
        Optional<JsonNode> config = config(checkpoint);
        if (config.isEmpty()) {
            return CompressedTensors.read(checkpoint);
        }
        Declaration declared = Declaration.strict(config.get());
        return switch (declared.layout()) {
            case COMPRESSED_TENSORS -> CompressedTensors.read(checkpoint, declared);
            case FP8 -> Fp8Reader.read(checkpoint, declared);
            case AWQ, GPTQ, GPTQ_V2 -> IntegerReader.read(checkpoint, declared);
            case MODELOPT -> ModelOptReader.read(checkpoint, declared);
        };
    }

    /** The layout that a checkpoint declares; empty for unquantized ones and for what cannot be read. */
    public static Optional<Layout> layout(Checkpoint checkpoint) {
        return config(checkpoint).flatMap(Declaration::layout);
    }

    /** The module that a tensor belongs to: its name up to the last dot. */
    public static String moduleOf(String tensor) {
        return QuantizationParameters.module(tensor);
    }

    /** Whether a tensor is a weight, or holds what only quantized modules have beside theirs. */
    public static boolean isQuantization(String tensor) {
        return QuantizationParameters.contains(tensor)
                || QuantizationParameters.parameter(tensor).equals(QuantizationParameters.WEIGHT);
    }

    /** Whether a tensor scales keys or values on their way into the cache. */
    public static boolean isKvCacheScale(String tensor) {
        String parameter = QuantizationParameters.parameter(tensor);
        return parameter.equals(QuantizationParameters.KEY_SCALE)
                || parameter.equals(QuantizationParameters.VALUE_SCALE);
    }
}
