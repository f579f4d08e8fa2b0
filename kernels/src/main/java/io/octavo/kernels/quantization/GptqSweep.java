package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Quantization of a weight column by column, where columns that come later make up for the error of each: GPTQ (Frantar et
 * al., 2022, arXiv 2210.17323), with scales that are there already.
 *
 * <p>With {@code h^-1 = u^T u}, {@code u} upper triangular, and column {@code i} the next: its codes are those of
 * {@link QuantizeTiles} with {@link Scaling.Given}, {@code error[i] = (w[i] - rounded) / u[i, i]}, and every later column
 * {@code j} becomes {@code w[j] - error[i] * u[i, j]}. Arithmetic is f32 in an order of the backend's own, the same in every
 * call, so a number that lies close to the middle of two codes may get either. Weights of several inputs lie below each other,
 * each with as many rows, and so do the factors and orders of the inputs.
 */
public interface GptqSweep {

    /**
     * @param weights {@code [rows, columns]}, F32, BF16 or F16; columns even for formats of 4 bits
     * @param factor {@code [inputs * columns, columns]} F32: {@code u} as {@link InverseFactor} leaves it, for columns in the order in
     *     which they are quantized; what lies below its diagonal is not read
     * @param order {@code [inputs, columns]} I32: the column that is quantized as the i-th, each once; null for 0, 1, 2 and so on
     * @param scales {@code [rows, ceil(columns / groupColumns)]} F32, positive; a group is a run of {@code groupColumns}
     *     columns of {@code weights}, whatever the order; the last may be shorter
     * @param zeroPoints {@code [rows, groups]} I8, for integers only; null for zeros
     * @param codes receives {@code [rows, format.rowBytes(columns)]} U8, columns where they are in {@code weights}
     * @param losses receives {@code [1, rows]} F32: the sum of squared errors, which is {@code d h d^T} for {@code d} what
     *     rounding changed in all of a row
     */
    record Arguments(
            Matrix weights,
            Matrix factor,
            @Nullable Matrix order,
            CodeFormat format,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            Matrix codes,
            Matrix losses)
            implements InputBatch<Arguments> {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Arguments {
            QuantizeTiles.requireWeights(weights);
            int inputs = Operands.requireSquares("factor", factor, weights.columns(), weights.rows());
            if (order != null) {
                Operands.requireType("order", order, Set.of(DType.I32));
                Operands.requireShape("order", order, inputs, weights.columns());
            }
            QuantizeTiles.requireScales(weights, new QuantizeTiles.Tile(1, groupColumns), format, scales, zeroPoints);
            QuantizeTiles.requireCodes(codes, format, weights);
            Operands.requireF32("losses", losses);
            Operands.requireShape("losses", losses, 1, weights.rows());
        }

        @Override
        public int inputs() {
            return Operands.requireSquares("factor", factor, weights.columns(), weights.rows());
        }

        @Override
        public Arguments part(int input, int inputs) {
            return new Arguments(
                    weights.part(input, inputs),
                    factor.part(input, inputs),
                    order == null ? null : order.part(input, inputs),
                    format,
                    scales.part(input, inputs),
                    zeroPoints == null ? null : zeroPoints.part(input, inputs),
                    groupColumns,
                    codes.part(input, inputs),
                    Operands.columnsPart(losses, input, inputs));
        }
    }

    void quantize(Arguments arguments, Stream stream);
}
