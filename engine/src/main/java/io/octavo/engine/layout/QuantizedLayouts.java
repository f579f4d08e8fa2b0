package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.codec.Codecs;
import io.octavo.engine.layout.codec.InputCodec;
import io.octavo.engine.layout.codec.WeightCodec;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvScaleReader;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads quantized checkpoints of every layout that is known. */
public final class QuantizedLayouts {

    /** Where ModelOpt declares what config.json does not mention. */
    public static final String MODELOPT_FILE = Declaration.MODELOPT_FILE;

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
        return declared.layout() == Layout.COMPRESSED_TENSORS
                ? CompressedTensors.read(checkpoint, declared)
                : ofEveryLinear(checkpoint, declared);
    }

    /** Layouts without groups: whatever holds codes is quantized. */
    private static QuantizedModules ofEveryLinear(Checkpoint checkpoint, Declaration declared) {
        Declaration.Group group = declared.groups().getFirst();
        WeightCodec codec = Codecs.of(declared.layout(), group)
                .orElseThrow(() -> Declaration.unsupported("its weights cannot be read: " + group.weights()));
        var tensors = new ModuleCollector(checkpoint);
        for (String module : tensors.modulesWith(codec.codes(), codec.codeType())) {
            if (declared.ignores(List.of(module))) {
                throw Declaration.unsupported(
                        "it leaves module " + module + " alone, yet the weight is stored as " + codec.codeType());
            }
            QuantizedWeight weight = codec.read(module, group, tensors);
            Optional<InputScale> scale = group.inputs()
                    .flatMap(inputs -> InputCodec.PLAIN.read(module, inputs, weight.inFeatures(), tensors));
            tensors.add(new QuantizedLinear(module, weight, group.inputs(), scale));
        }
        tensors.requireModules();
        return tensors.finish(declared.kvCache().map(cache -> new KvScaleReader(checkpoint, tensors).read()));
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
