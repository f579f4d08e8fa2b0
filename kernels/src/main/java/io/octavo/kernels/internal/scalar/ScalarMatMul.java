package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.product.MatMul;

final class ScalarMatMul implements MatMul {

    @Override
    public void multiply(ScaledMatrix a, ScaledMatrix w, Matrix out, Stream stream) {
        HostStream.require(stream);
        MatMul.check(a, w, out);
        float[][] activations = new float[Math.toIntExact(a.rows())][];
        for (int m = 0; m < activations.length; m++) {
            activations[m] = row(a, m);
        }
        HostMatrix result = HostMatrix.of(out);
        for (int n = 0; n < w.rows(); n++) {
            float[] weights = row(w, n);
            for (int m = 0; m < activations.length; m++) {
                result.set(m, n, dot(activations[m], weights));
            }
        }
    }

    private static float dot(float[] a, float[] w) {
        float sum = 0;
        for (int k = 0; k < a.length; k++) {
            sum += a[k] * w[k];
        }
        return sum;
    }

    /** A row with its scales multiplied in. */
    private static float[] row(ScaledMatrix matrix, int row) {
        float[] values = HostMatrix.of(matrix.codes()).row(row);
        Matrix scales = matrix.scales();
        if (scales != null && values.length > 0) {
            HostMatrix scale = HostMatrix.of(scales);
            long groupSize = values.length / scales.columns();
            for (int k = 0; k < values.length; k++) {
                values[k] *= scale.get(scales.rows() == 1 ? 0 : row, k / groupSize);
            }
        }
        return values;
    }
}
