package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.InverseFactor;

/** In f64. */
final class ScalarInverseFactor implements InverseFactor {

    @Override
    public void factor(Matrix matrices, Matrix failures, Stream stream) {
        HostStream.require(stream);
        InverseFactor.check(matrices, failures);
        HostMatrix target = HostMatrix.of(matrices);
        HostMatrix failed = HostMatrix.of(failures);
        int n = (int) matrices.columns();
        for (int matrix = 0; matrix < failures.columns(); matrix++) {
            long first = (long) matrix * n;
            double[][] h = new double[n][n];
            for (int i = 0; i < n; i++) {
                for (int j = i; j < n; j++) {
                    h[i][j] = target.get(first + i, j);
                }
            }
            failed.setInt(0, matrix, root(h));
            double[][] u = inverse(h);
            for (int i = 0; i < n; i++) {
                for (int j = i; j < n; j++) {
                    target.set(first + i, j, (float) u[i][j]);
                }
            }
        }
    }

    @Override
    public void triangle(Matrix u, boolean transposed, Matrix out, Stream stream) {
        HostStream.require(stream);
        InverseFactor.checkTriangle(u, out);
        for (long i = 0; i < u.rows(); i++) {
            for (long j = 0; j < u.columns(); j++) {
                float number = j < i ? 0 : HostMatrix.of(u).get(i, j);
                HostMatrix.of(out).set(transposed ? j : i, transposed ? i : j, number);
            }
        }
    }

    /** Makes h the upper r with h = r r^T; returns 1 + the first column that failed, or 0. */
    private static int root(double[][] h) {
        int failure = 0;
        for (int j = h.length - 1; j >= 0; j--) {
            double pivot = h[j][j];
            for (int l = j + 1; l < h.length; l++) {
                pivot -= h[j][l] * h[j][l];
            }
            if (!(pivot > 0)) {
                failure = failure == 0 ? j + 1 : failure;
                pivot = 1;
            }
            h[j][j] = Math.sqrt(pivot);
            for (int i = 0; i < j; i++) {
                double sum = h[i][j];
                for (int l = j + 1; l < h.length; l++) {
                    sum -= h[i][l] * h[j][l];
                }
                h[i][j] = sum / h[j][j];
            }
        }
        return failure;
    }

    private static double[][] inverse(double[][] r) {
        double[][] u = new double[r.length][r.length];
        for (int j = 0; j < r.length; j++) {
            for (int i = j; i >= 0; i--) {
                double sum = i == j ? 1 : 0;
                for (int l = i + 1; l <= j; l++) {
                    sum -= r[i][l] * u[l][j];
                }
                u[i][j] = sum / r[i][i];
            }
        }
        return u;
    }
}
