package io.octavo.engine.layout.compressed;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads the numbers that a module's inputs are rounded with. */
public final class StoredInputs {

    private final ModuleTensors tensors;

    StoredInputs(ModuleTensors tensors) {
        this.tensors = tensors;
    }

    /**
     * @param channels inputs of the module
     * @return empty where everything is computed while the model runs
     */
    Optional<InputScale> read(String module, Quantization inputs, long channels) {
        int size = switch (inputs.granularity()) {
            case Granularity.PerGroup group -> group.size();
            case Granularity.PerTensorGroup group -> group.size();
            case Granularity.PerTensor tensor -> 1;
            case Granularity.PerToken token -> 1;
            case Granularity.PerChannel channel -> 1;
            case Granularity.PerBlock block -> 1;
            case Granularity.PerHead head -> 1;
        };
        if (channels % size != 0) {
            throw Declaration.unsupported("module " + module + " has " + channels
                    + " input channels, no multiple of the inputs' group size " + size);
        }
        if (!inputs.isCalibrated()) {
            return Optional.empty();
        }
        if (inputs.granularity() instanceof Granularity.PerTensorGroup) {
            float divisor = tensors.globalScale(module, CompressedTensors.INPUT_GLOBAL_SCALE_SUFFIX);
            return Optional.of(InputScale.symmetric(1 / divisor));
        }
        float scale = tensors.scale(module, CompressedTensors.INPUT_SCALE_SUFFIX);
        if (inputs.symmetric()) {
            // Loaders ignore the zero points of symmetric inputs.
            tensors.find(module, CompressedTensors.INPUT_ZERO_POINT_SUFFIX);
            return Optional.of(InputScale.symmetric(scale));
        }
        Tensor zeroPoint =
                tensors.tensor(module, CompressedTensors.INPUT_ZERO_POINT_SUFFIX, Set.of(DType.I8), List.of(1L));
        return Optional.of(new InputScale(scale, zeroPoint.segment().get(ValueLayout.JAVA_BYTE, 0)));
    }
}
