package io.octavo.engine.transformer;

import io.octavo.engine.model.NormSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import org.jspecify.annotations.Nullable;

/** Where one batch runs, and what layers read beside the activations. */
record Pass(
        Backend backend, Workspace workspace, DeviceBatch.View batch, KvCache cache, RopeTables ropes, Stream stream) {

    int tokens() {
        return Math.toIntExact(batch.positions().columns());
    }

    Matrix residual() {
        return workspace.residual(tokens());
    }

    Matrix normed() {
        return workspace.normed(tokens());
    }

    Matrix scratch(Scratch scratch) {
        return workspace.matrix(scratch, tokens());
    }

    /** Normalizes rows as wide as the weight in place, if there is a weight. */
    void normalize(Matrix x, @Nullable Matrix weight, NormSpec norm) {
        if (weight != null) {
            Matrix rows = x.reshape(x.elements() / weight.columns(), weight.columns());
            backend.operations().rmsNorm().normalize(rows, weight, norm.gainOffset(), norm.epsilon(), rows, stream);
        }
    }
}
