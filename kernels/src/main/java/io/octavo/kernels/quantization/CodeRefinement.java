package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.ScaleFormat;
import org.jspecify.annotations.Nullable;

/**
 * Makes the loss {@code d h d^T} of every row smaller, {@code d} being what rounding changed in it.
 *
 * <p>A sweep goes over the groups of a row: each code of the group, from the left, becomes the best one while all else stays;
 * then its scale does, if no other row shares it. Neither step makes the loss larger, and a code or scale that would gain
 * nothing stays. A row is done when a sweep gains less than {@link #WORTHWHILE} of what is left of its loss. Arithmetic is f32
 * in an order of the backend's own, the same in every call, so what is about as good as something else may be either. Weights of several inputs lie
 * below each other, each with as many rows, and so do the moments of the inputs.
 */
public interface CodeRefinement {

    /** A sweep that gains less than this share of the loss is a row's last. */
    float WORTHWHILE = 1e-3f;

    /**
     * @param weights {@code [rows, columns]}, F32, BF16 or F16; columns even for formats of 4 bits
     * @param moments {@code [inputs * columns, columns]} F32: {@code h}, symmetric, positive semidefinite
     * @param tile that shares a scale: one row or several of an input, some columns or all; those at the edges may be smaller
     * @param scaleFormat the numbers that scales can be stored as
     * @param divisor what stored scales are divided by
     * @param scales {@code [ceil(rows / tile.rows), ceil(columns / tile.columns)]} F32: numbers of {@code scaleFormat}, which
     *     change
     * @param zeroPoints of the same shape, I8, for integers only; null for zeros
     * @param codes {@code [rows, format.rowBytes(columns)]} U8, which change
     * @param mostSweeps at most so many; with none the losses alone are found
     * @param losses receives {@code [1, rows]} F32: {@code d h d^T} in the end
     */
    record Arguments(
            Matrix weights,
            Matrix moments,
            CodeFormat format,
            QuantizeTiles.Tile tile,
            ScaleFormat scaleFormat,
            float divisor,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            Matrix codes,
            int mostSweeps,
            Matrix losses)
            implements InputBatch<Arguments> {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Arguments {
            QuantizeTiles.requireWeights(weights);
            int inputs = Operands.requireSquares("moments", moments, weights.columns(), weights.rows());
            tile.requireWithin(weights.rows() / inputs, inputs);
            if (!(divisor > 0 && divisor < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("divisor must be positive and finite: " + divisor);
            }
            QuantizeTiles.requireScales(weights, tile, format, scales, zeroPoints);
            QuantizeTiles.requireCodes(codes, format, weights);
            if (mostSweeps < 0) {
                throw new IllegalArgumentException("sweeps must not be negative: " + mostSweeps);
            }
            Operands.requireF32("losses", losses);
            Operands.requireShape("losses", losses, 1, weights.rows());
        }

        @Override
        public int inputs() {
            return Operands.requireSquares("moments", moments, weights.columns(), weights.rows());
        }

        @Override
        public Arguments part(int input, int inputs) {
            return new Arguments(
                    weights.part(input, inputs),
                    moments.part(input, inputs),
                    format,
                    tile,
                    scaleFormat,
                    divisor,
                    scales.part(input, inputs),
                    zeroPoints == null ? null : zeroPoints.part(input, inputs),
                    codes.part(input, inputs),
                    mostSweeps,
                    Operands.columnsPart(losses, input, inputs));
        }

        /** Columns that share a scale of a row. */
        public int groupColumns() {
            return (int) Math.min(tile.columns(), weights.columns());
        }

        /** Whether scales change: each is one row's. */
        public boolean refinesScales() {
            return tile.rows() == 1;
        }
    }

    void refine(Arguments arguments, Stream stream);
}
