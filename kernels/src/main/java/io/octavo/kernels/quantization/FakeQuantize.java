package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.CodeFormat;

/**
 * Rounds activations to what a code format can hold, and back: {@code out = (code - zeroPoint) * scale}. Arithmetic is
 * that of {@link QuantizeTiles} with F32 scales.
 */
public interface FakeQuantize {

    /**
     * Computes the scales on the way, one for each run of {@code groupColumns} in each row. A group that holds NaN or
     * infinity becomes NaN or anything.
     *
     * @param x {@code [rows, columns]} F32
     * @param groupColumns divides {@code columns}
     * @param scaling any but {@link Scaling.Given}
     * @param out receives {@code [rows, columns]} F32; may be {@code x}
     */
    void apply(Matrix x, CodeFormat format, long groupColumns, Scaling scaling, Matrix out, Stream stream);

    /**
     * Takes the scales as they are, one for each run of {@code columns / groups} columns in all rows.
     *
     * @param scales {@code [1, groups]} F32, {@code groups} dividing {@code columns}
     * @param zeroPoint 0 for floating formats
     */
    void applyFixed(Matrix x, CodeFormat format, Matrix scales, int zeroPoint, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, CodeFormat format, long groupColumns, Scaling scaling, Matrix out) {
        Operands.requireF32("x", x);
        Operands.requireF32("out", out);
        Operands.requireShape("out", out, x.rows(), x.columns());
        Operands.requireIntColumns("x", x);
        scaling.requireFits(format);
        if (scaling instanceof Scaling.Given) {
            throw new IllegalArgumentException("given scales are fixed, not computed");
        }
        if (groupColumns <= 0 || x.columns() % groupColumns != 0) {
            throw new IllegalArgumentException(
                    "groups of " + groupColumns + " do not divide " + x.columns() + " columns");
        }
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void checkFixed(Matrix x, CodeFormat format, Matrix scales, int zeroPoint, Matrix out) {
        Operands.requireF32("x", x);
        Operands.requireF32("out", out);
        Operands.requireShape("out", out, x.rows(), x.columns());
        Operands.requireIntColumns("x", x);
        Operands.requireF32("scales", scales);
        Operands.requireShape("scales", scales, 1, scales.columns());
        Operands.requireGroups("scales", scales.columns(), x);
        if (zeroPoint != 0 && (!format.isInteger() || zeroPoint < format.lowest() || zeroPoint > format.highest())) {
            throw new IllegalArgumentException("zero point " + zeroPoint + " is none of " + format);
        }
    }
}
