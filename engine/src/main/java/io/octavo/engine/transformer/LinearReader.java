package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.CompressedTensors;
import io.octavo.engine.layout.QuantizedLinear;
import io.octavo.engine.layout.QuantizedModules;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.ScaledMatrix;
import org.jspecify.annotations.Nullable;

/** Finds the tensors of a Linear, plain or quantized. */
final class LinearReader {

    /** Brings a tensor to the device after checking that its shape is {@code [rows, columns]}. */
    interface Placer {
        Matrix place(Tensor tensor, long rows, long columns);
    }

    private final Checkpoint checkpoint;
    private final QuantizedModules quantized;

    LinearReader(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.quantized = CompressedTensors.read(checkpoint);
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
        Matrix codes = placer.place(stored.weight(), outFeatures, inFeatures);
        boolean perChannel = stored.weightScale().hasShape(outFeatures, 1);
        Matrix scales = placer.place(stored.weightScale(), perChannel ? outFeatures : 1, 1);
        InputType input = stored.dynamicPerTokenFp8Input() ? InputType.F8_E4M3_PER_TOKEN : InputType.UNQUANTIZED;
        return new Linear(new ScaledMatrix(codes, scales), bias, input);
    }
}
