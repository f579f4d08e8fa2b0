package io.octavo.engine.layout.compressed;

import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;

/** Refuses config groups that a loader would misread, or whose meaning is not known. */
public final class ExecutableGroups {

    private ExecutableGroups() {}

    static void require(Declaration.Group group) {
        if (!areWeights(group.weights(), group.format())) {
            throw refused(group, "weights", group.weights());
        }
        if (group.actOrder() && group.format() != CompressedFormat.PACK_QUANTIZED) {
            throw Declaration.unsupported("config_groups." + group.name() + ".weights.actorder permutes columns, which "
                    + group.format().spelling() + " does not store");
        }
        group.inputs().filter(inputs -> !areInputs(inputs)).ifPresent(inputs -> {
            throw refused(group, "input_activations", inputs);
        });
    }

    private static RuntimeException refused(Declaration.Group group, String side, Quantization actual) {
        return Declaration.unsupported("config_groups." + group.name() + "." + side + " cannot be run: " + actual
                + " in " + group.format().spelling());
    }

    private static boolean areWeights(Quantization weights, CompressedFormat format) {
        Granularity granularity = weights.granularity();
        boolean channelOrTensor =
                granularity instanceof Granularity.PerChannel || granularity instanceof Granularity.PerTensor;
        boolean plain = weights.symmetric() && weights.scaleType() == ScaleType.FLOAT;
        return switch (format) {
            case FLOAT_QUANTIZED, NAIVE_QUANTIZED ->
                plain
                        && (channelOrTensor
                                || granularity instanceof Granularity.PerBlock
                                || granularity instanceof Granularity.PerGroup);
            case INT_QUANTIZED -> plain && (channelOrTensor || granularity instanceof Granularity.PerGroup);
            case PACK_QUANTIZED ->
                weights.scaleType() == ScaleType.FLOAT
                        && (weights.type().bits() == 4 || weights.type().bits() == 8)
                        && (channelOrTensor || granularity instanceof Granularity.PerGroup);
            case NVFP4 ->
                weights.symmetric()
                        && weights.scaleType() == ScaleType.E4M3
                        && granularity instanceof Granularity.PerTensorGroup;
            case MXFP4, MXFP8 -> weights.symmetric() && granularity.equals(new Granularity.PerGroup(32));
        };
    }

    private static boolean areInputs(Quantization inputs) {
        NumberType type = inputs.type();
        boolean integers = type instanceof NumberType.IntType && (type.bits() == 8 || type.bits() == 4);
        boolean symmetricOrInteger = inputs.symmetric() || integers;
        return switch (inputs.scaleType()) {
            case FLOAT ->
                switch (inputs.granularity()) {
                    case Granularity.PerToken token -> inputs.dynamic() && isEightBits(type) && symmetricOrInteger;
                    case Granularity.PerTensor tensor -> !inputs.dynamic() && isEightBits(type) && symmetricOrInteger;
                    case Granularity.PerGroup group -> inputs.dynamic() && inputs.symmetric() && isEightBits(type);
                    case Granularity.PerChannel channel -> false;
                    case Granularity.PerTensorGroup group -> false;
                    case Granularity.PerBlock block -> false;
                    case Granularity.PerHead head -> false;
                };
            case E4M3 ->
                type == FloatType.E2M1
                        && inputs.dynamic()
                        && inputs.symmetric()
                        && inputs.granularity() instanceof Granularity.PerTensorGroup;
            case E8M0 ->
                type instanceof FloatType
                        && inputs.dynamic()
                        && inputs.symmetric()
                        && inputs.granularity().equals(new Granularity.PerGroup(32));
        };
    }

    private static boolean isEightBits(NumberType type) {
        return type == FloatType.E4M3 || type.equals(new NumberType.IntType(8));
    }
}
