package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.ScaledMatrix;
import org.jspecify.annotations.Nullable;

/** Finds the tensors of a Linear, plain or quantized. */
final class LinearReader {

    /** Brings a tensor to the device after checking its shape. */
    interface Placer {
        Matrix place(Tensor tensor, long rows, long columns);
    }

    private final Checkpoint checkpoint;

    LinearReader(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    Linear read(String module, int outFeatures, int inFeatures, @Nullable Matrix bias, Placer placer) {
        Tensor weight = checkpoint.tensor(module + ".weight");
        Matrix placed = placer.place(weight, outFeatures, inFeatures);
        return new Linear(ScaledMatrix.plain(placed), bias, InputType.UNQUANTIZED);
    }
}
