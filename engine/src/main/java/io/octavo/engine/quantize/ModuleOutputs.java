package io.octavo.engine.quantize;

import io.octavo.engine.layout.codec.Codecs;
import io.octavo.engine.layout.codec.InputCodec;
import io.octavo.engine.layout.codec.ModuleShape;
import io.octavo.engine.layout.codec.WeightTensors;
import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeTiles;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

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
        return shape().tile();
    }

    private ModuleShape shape() {
        return new ModuleShape(module, weights(), outFeatures, inFeatures, floats, false);
    }

    private WeightTensors tensors() {
        return Codecs.of(scheme).tensors(shape());
    }

    long scaleRows() {
        return Math.ceilDiv(outFeatures, tile().rows());
    }

    long scaleColumns() {
        return Math.ceilDiv(inFeatures, tile().columns());
    }

    DType scaleType() {
        return shape().scaleType(floats);
    }

    TensorSpec codes() {
        return tensors().codes();
    }

    TensorSpec scales() {
        return tensors().scales();
    }

    boolean hasZeroPoints() {
        return !weights().symmetric();
    }

    /** Packed along the output channels. */
    TensorSpec zeroPoints() {
        return Objects.requireNonNull(tensors().zeroPoints());
    }

    int zeroPointsPerWord() {
        return Integer.SIZE / weights().type().bits();
    }

    boolean hasGlobalScale() {
        return weights().granularity() instanceof Granularity.PerTensorGroup;
    }

    TensorSpec globalScale() {
        return Objects.requireNonNull(tensors().globalScale());
    }

    /** Outputs and inputs, where the codes do not tell them. */
    Optional<TensorSpec> storedShape() {
        return Optional.ofNullable(tensors().shape());
    }

    /** The numbers that calibration finds and that are stored with the module: a scale, then a zero point. */
    List<TensorSpec> inputs() {
        return InputCodec.COMPRESSED.tensors(module, scheme.inputs(), floats);
    }

    List<TensorSpec> all() {
        return Stream.concat(tensors().all().stream(), inputs().stream()).toList();
    }
}
