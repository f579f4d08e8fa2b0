package io.octavo.engine.transformer;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.CompressedTensors;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.QuantizedLinear;
import io.octavo.engine.layout.QuantizedModules;
import io.octavo.engine.layout.QuantizedWeight;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.DType;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.ScaledMatrix;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Finds the tensors of a Linear, plain or quantized in any layout. */
final class LinearReader {

    /** Brings numbers to the device. */
    interface Placer {

        /** Places a tensor after checking that its shape is {@code [rows, columns]}. */
        Matrix place(Tensor tensor, long rows, long columns);

        /** Makes a matrix that {@code writer} fills, some rows at a time. */
        Matrix fill(DType dtype, long rows, long columns, RowWriter writer);
    }

    /** Writes the rows {@code [from, to)} of a matrix into host memory. */
    interface RowWriter {
        void write(long from, long to, MemorySegment target);
    }

    private final Checkpoint checkpoint;
    private final QuantizedModules quantized;

    LinearReader(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.quantized = QuantizedLayouts.read(checkpoint);
    }

    Linear read(String module, int outFeatures, int inFeatures, @Nullable Matrix bias, Placer placer) {
        return quantized
                .find(module)
                .map(stored -> quantized(stored, outFeatures, inFeatures, bias, placer))
                .orElseGet(() -> plain(module, outFeatures, inFeatures, bias, placer));
    }

    private Linear plain(String module, int outFeatures, int inFeatures, @Nullable Matrix bias, Placer placer) {
        Tensor weight = checkpoint.tensor(module + CompressedTensors.WEIGHT_SUFFIX);
        Matrix placed = placer.place(ModelLoader.requireFloating(weight), outFeatures, inFeatures);
        return new Linear(ScaledMatrix.plain(placed), bias, InputType.UNQUANTIZED);
    }

    private static Linear quantized(
            QuantizedLinear stored, int outFeatures, int inFeatures, @Nullable Matrix bias, Placer placer) {
        QuantizedWeight weight = stored.weight();
        if (weight.outFeatures() != outFeatures || weight.inFeatures() != inFeatures) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                    "the weight of " + stored.module() + " is " + weight.outFeatures() + " x " + weight.inFeatures()
                            + ", config.json asks for " + outFeatures + " x " + inFeatures);
        }
        InputType input = stored.inputs().map(LinearReader::inputType).orElse(InputType.UNQUANTIZED);
        return new Linear(new WeightPlacement(weight, placer).place(), bias, input);
    }

    private static InputType inputType(Quantization inputs) {
        if (!inputs.equals(Quantization.dynamic(NumberType.FloatType.E4M3, new Granularity.PerToken()))) {
            throw new QuantizationException(
                    ErrorCode.QUANTIZATION_UNSUPPORTED, "inputs quantized as " + inputs + " cannot be run");
        }
        return InputType.F8_E4M3_PER_TOKEN;
    }
}
