package io.octavo.engine.layout.codec;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.CodeTensors;
import io.octavo.engine.layout.weight.ExactNumbers;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import org.jspecify.annotations.Nullable;

/**
 * Codes row after row, in bytes or pairs of half bytes, beside a grid of scales.
 *
 * @param codes name of the codes
 * @param codeType U8 holds two codes a byte, the even column in the low nibble
 * @param scales name of the scales
 * @param floats type of scales that are floats; null where it is the model's
 * @param globalScale what all scales are multiplied by; null where there is none
 */
record RowCodec(
        String codes,
        DType codeType,
        String scales,
        @Nullable DType floats,
        @Nullable GlobalScale globalScale) implements WeightCodec {

    /** @param divides whether it is stored as its reciprocal */
    record GlobalScale(String name, boolean divides) {}

    /** Layouts with scales of a type of their own leave out dimensions of one. */
    private boolean isFlat() {
        return floats != null;
    }

    @Override
    public WeightTensors tensors(ModuleShape shape) {
        long codeColumns = codeType == DType.U8 ? Math.ceilDiv(shape.inFeatures(), 2L) : shape.inFeatures();
        DType scaleType = shape.scaleType(floats == null ? shape.floats() : floats);
        long[] scaleShape = switch (shape.weights().granularity()) {
            case Granularity.PerTensor tensor -> scalar();
            case Granularity.PerChannel channel when isFlat() -> new long[] {shape.outFeatures()};
            default -> new long[] {shape.scaleRows(), shape.scaleColumns()};
        };
        return new WeightTensors(
                new TensorSpec(shape.name(codes), codeType, shape.outFeatures(), codeColumns),
                new TensorSpec(shape.name(scales), scaleType, scaleShape),
                null,
                globalScale == null ? null : new TensorSpec(shape.name(globalScale.name), DType.F32, scalar()),
                null,
                null);
    }

    private long[] scalar() {
        return isFlat() ? new long[0] : new long[] {1};
    }

    @Override
    public QuantizedWeight read(String module, Declaration.Group stored, ModuleCollector tensors) {
        Quantization weights = stored.weights();
        if (!isFlat()) {
            // Loaders of compressed-tensors ignore the zero points of symmetric weights.
            tensors.find(module, QuantizationParameters.WEIGHT_ZERO_POINT);
        }
        Tensor values = tensors.claim(module, codes, codeType, 2);
        long rows = values.shape().getFirst();
        long columns = Math.multiplyExact(values.shape().getLast(), codeType == DType.U8 ? 2L : 1L);
        ModuleCollector.requireGroups(module, weights.granularity(), columns);
        var shape = new ModuleShape(module, weights, rows, columns, DType.F32, false);
        ScaleGrid grid = tensors.scales(tensors(shape).scales(), shape.tile().rows(), shape.scaleColumns());
        if (globalScale == null) {
            grid.requirePositive();
            return new RowWeight(values, weights, grid, 1);
        }
        float global = isFlat() ? tensors.scalar(module, globalScale.name) : tensors.number(module, globalScale.name);
        if (globalScale.divides) {
            grid.requirePositive();
        } else {
            // ModelOpt stores a scale of zero for a group of zeros.
            grid.requireNotNegative();
        }
        return new RowWeight(values, weights, grid, globalScale.divides ? 1 / global : global);
    }

    @Override
    public void write(QuantizedWeight weight, WeightTensors tensors, TensorSink sink) {
        if (codeType == DType.U8) {
            CodeTensors.writePairs(weight, tensors.codes().name(), sink);
        } else {
            CodeTensors.writeBytes(weight, tensors.codes().name(), sink);
        }
        CodeTensors.writeScales(weight, tensors.scales(), sink);
        TensorSpec global = tensors.globalScale();
        if (global != null && globalScale != null) {
            ExactNumbers.write(weight.globalScale(), globalScale.divides, global, sink);
        }
    }
}
