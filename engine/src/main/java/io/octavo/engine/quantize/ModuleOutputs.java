package io.octavo.engine.quantize;

import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeTiles;
import java.util.ArrayList;
import java.util.List;

/**
 * What one quantized module becomes on disk: names, types and shapes.
 *
 * @param dtype of the source weight
 * @param floats type of scales that are floats
 */
record ModuleOutputs(String module, Scheme scheme, DType dtype, DType floats, long outFeatures, long inFeatures) {

    private Quantization weights() {
        return scheme.weights();
    }

    CompressedFormat format() {
        return CompressedFormat.of(scheme.weights(), scheme.inputs());
    }

    CodeFormat codeFormat() {
        return format().codes(weights().type());
    }

    long codeRowBytes() {
        return codeFormat().rowBytes(inFeatures);
    }

    /** The weight's tiles that share a scale. */
    QuantizeTiles.Tile tile() {
        return switch (weights().granularity()) {
            case Granularity.PerTensor tensor -> new QuantizeTiles.Tile(outFeatures, inFeatures);
            case Granularity.PerChannel channel -> new QuantizeTiles.Tile(1, inFeatures);
            case Granularity.PerGroup group -> new QuantizeTiles.Tile(1, group.size());
            case Granularity.PerTensorGroup group -> new QuantizeTiles.Tile(1, group.size());
            case Granularity.PerBlock block -> new QuantizeTiles.Tile(block.rows(), block.columns());
            case Granularity.PerToken token -> throw new IllegalStateException("no weight has tokens");
            case Granularity.PerHead head -> throw new IllegalStateException("no weight has heads");
        };
    }

    long scaleRows() {
        return Math.ceilDiv(outFeatures, tile().rows());
    }

    long scaleColumns() {
        return Math.ceilDiv(inFeatures, tile().columns());
    }

    DType scaleType() {
        return switch (weights().scaleType()) {
            case FLOAT -> floats;
            case E4M3 -> DType.F8_E4M3;
            case E8M0 -> DType.U8;
        };
    }

    TensorSpec codes() {
        return switch (format()) {
            case FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8 ->
                new TensorSpec(name(CompressedTensors.WEIGHT_SUFFIX), DType.F8_E4M3, outFeatures, inFeatures);
            case INT_QUANTIZED ->
                new TensorSpec(name(CompressedTensors.WEIGHT_SUFFIX), DType.I8, outFeatures, inFeatures);
            case PACK_QUANTIZED ->
                new TensorSpec(
                        name(CompressedTensors.WEIGHT_PACKED_SUFFIX),
                        DType.I32,
                        outFeatures,
                        codeRowBytes() / Integer.BYTES);
            case NVFP4, MXFP4 ->
                new TensorSpec(name(CompressedTensors.WEIGHT_PACKED_SUFFIX), DType.U8, outFeatures, codeRowBytes());
        };
    }

    TensorSpec scales() {
        String name = name(CompressedTensors.WEIGHT_SCALE_SUFFIX);
        return weights().granularity() instanceof Granularity.PerTensor
                ? new TensorSpec(name, scaleType(), 1)
                : new TensorSpec(name, scaleType(), scaleRows(), scaleColumns());
    }

    boolean hasZeroPoints() {
        return !weights().symmetric();
    }

    /** Packed along the output channels. */
    TensorSpec zeroPoints() {
        return new TensorSpec(
                name(CompressedTensors.WEIGHT_ZERO_POINT_SUFFIX),
                DType.I32,
                Math.ceilDiv(outFeatures, zeroPointsPerWord()),
                scaleColumns());
    }

    int zeroPointsPerWord() {
        return Integer.SIZE / weights().type().bits();
    }

    boolean hasGlobalScale() {
        return weights().granularity() instanceof Granularity.PerTensorGroup;
    }

    TensorSpec globalScale() {
        return new TensorSpec(name(CompressedTensors.WEIGHT_GLOBAL_SCALE_SUFFIX), DType.F32, 1);
    }

    boolean hasShape() {
        return format() == CompressedFormat.PACK_QUANTIZED;
    }

    TensorSpec shape() {
        return new TensorSpec(name(CompressedTensors.WEIGHT_SHAPE_SUFFIX), DType.I64, 2);
    }

    /** Whether a number that calibration finds is stored with the module. */
    boolean hasInputScale() {
        return scheme.needsCalibration();
    }

    TensorSpec inputScale() {
        boolean global = scheme.inputs()
                .filter(inputs -> inputs.granularity() instanceof Granularity.PerTensorGroup)
                .isPresent();
        return global
                ? new TensorSpec(name(CompressedTensors.INPUT_GLOBAL_SCALE_SUFFIX), DType.F32, 1)
                : new TensorSpec(name(CompressedTensors.INPUT_SCALE_SUFFIX), floats, 1);
    }

    boolean hasInputZeroPoint() {
        return scheme.inputs()
                .filter(inputs -> inputs.isCalibrated() && !inputs.symmetric())
                .isPresent();
    }

    TensorSpec inputZeroPoint() {
        return new TensorSpec(name(CompressedTensors.INPUT_ZERO_POINT_SUFFIX), DType.I8, 1);
    }

    List<TensorSpec> all() {
        var outputs = new ArrayList<>(List.of(codes(), scales()));
        if (hasZeroPoints()) {
            outputs.add(zeroPoints());
        }
        if (hasGlobalScale()) {
            outputs.add(globalScale());
        }
        if (hasShape()) {
            outputs.add(shape());
        }
        if (hasInputScale()) {
            outputs.add(inputScale());
        }
        if (hasInputZeroPoint()) {
            outputs.add(inputZeroPoint());
        }
        return outputs;
    }

    private String name(String suffix) {
        return module + suffix;
    }
}
