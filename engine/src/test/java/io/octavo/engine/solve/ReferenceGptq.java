package io.octavo.engine.solve;

import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;

/** GPTQ as its paper has it, in f64, column by column in their order: the slow twin. */
final class ReferenceGptq {

    private ReferenceGptq() {}

    /**
     * @param weights {@code [rows, columns]} as f32
     * @param h {@code [columns][columns]}
     * @return what codes stand for, {@code [rows, columns]}
     */
    static double[] solve(float[] weights, double[][] h, double dampening, TileScales scales, WeightFormat format) {
        int columns = h.length;
        double mean = 0;
        for (int i = 0; i < columns; i++) {
            mean += h[i][i] / columns;
        }
        double[][] damped = new double[columns][columns];
        for (int i = 0; i < columns; i++) {
            damped[i] = h[i].clone();
            damped[i][i] += dampening * mean;
        }
        // Upper triangular u with inverse = u^T u.
        double[][] u = transposed(cholesky(inverse(damped)));
        double[] rounded = new double[weights.length];
        for (int row = 0; row < weights.length / columns; row++) {
            double[] w = new double[columns];
            for (int i = 0; i < columns; i++) {
                w[i] = weights[row * columns + i];
            }
            for (int i = 0; i < columns; i++) {
                int tile = row / format.tileRows() * format.groups() + i / format.tileColumns();
                double scale = (double) scales.scales()[tile] / format.divisor();
                int zeroPoint = scales.zeroPoint(tile);
                int code = format.codes().code((float) (w[i] / scale), zeroPoint);
                double q = (format.quantization().type().number((byte) code) - zeroPoint) * scale;
                rounded[row * columns + i] = q;
                double error = (w[i] - q) / u[i][i];
                for (int j = i; j < columns; j++) {
                    w[j] -= error * u[i][j];
                }
            }
        }
        return rounded;
    }

    /** {@code sum of d h d^T} over rows. */
    static double loss(float[] weights, double[] rounded, double[][] h) {
        int columns = h.length;
        double loss = 0;
        for (int row = 0; row < weights.length; row += columns) {
            for (int i = 0; i < columns; i++) {
                for (int j = 0; j < columns; j++) {
                    loss += (weights[row + i] - rounded[row + i]) * h[i][j] * (weights[row + j] - rounded[row + j]);
                }
            }
        }
        return loss;
    }

    static double[][] inverse(double[][] matrix) {
        int n = matrix.length;
        double[][] left = new double[n][];
        double[][] right = new double[n][n];
        for (int i = 0; i < n; i++) {
            left[i] = matrix[i].clone();
            right[i][i] = 1;
        }
        for (int i = 0; i < n; i++) {
            double pivot = left[i][i];
            for (int j = 0; j < n; j++) {
                left[i][j] /= pivot;
                right[i][j] /= pivot;
            }
            for (int k = 0; k < n; k++) {
                double factor = k == i ? 0 : left[k][i];
                for (int j = 0; j < n; j++) {
                    left[k][j] -= factor * left[i][j];
                    right[k][j] -= factor * right[i][j];
                }
            }
        }
        return right;
    }

    /** Lower triangular. */
    private static double[][] cholesky(double[][] matrix) {
        int n = matrix.length;
        double[][] l = new double[n][n];
        for (int j = 0; j < n; j++) {
            for (int i = j; i < n; i++) {
                double sum = matrix[i][j];
                for (int k = 0; k < j; k++) {
                    sum -= l[i][k] * l[j][k];
                }
                l[i][j] = i == j ? Math.sqrt(sum) : sum / l[j][j];
            }
        }
        return l;
    }

    private static double[][] transposed(double[][] matrix) {
        int n = matrix.length;
        double[][] result = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                result[j][i] = matrix[i][j];
            }
        }
        return result;
    }
}
