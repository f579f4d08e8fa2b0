package io.octavo.engine.layout.compressed;

import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.codec.Codecs;
import io.octavo.engine.layout.codec.WeightCodec;
import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;

/** Refuses config groups that a loader would misread, or whose meaning is not known. */
public final class ExecutableGroups {

    private ExecutableGroups() {}

    static void require(Declaration.Group group) {
        codec(group);
        if (group.actOrder() && group.format() != CompressedFormat.PACK_QUANTIZED) {
            throw Declaration.unsupported("config_groups." + group.name() + ".weights.actorder permutes columns, which "
                    + group.format().spelling() + " does not store");
        }
        group.inputs().filter(inputs -> !areInputs(inputs)).ifPresent(inputs -> {
            throw refused(group, "input_activations", inputs);
        });
    }

    private static QuantizationException refused(Declaration.Group group, String side, Quantization actual) {
        return Declaration.unsupported("config_groups." + group.name() + "." + side + " cannot be run: " + actual
                + " in " + group.format().spelling());
    }

    /** How the group's weights are stored. */
    static WeightCodec codec(Declaration.Group group) {
        return Codecs.of(Layout.COMPRESSED_TENSORS, group)
                .orElseThrow(() -> refused(group, "weights", group.weights()));
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
