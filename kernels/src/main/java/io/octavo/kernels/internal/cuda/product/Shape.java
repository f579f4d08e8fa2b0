package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;

/**
 * What the choice of a kernel depends on: a product without its memory.
 *
 * @param m rows of activations, where there are bounds as many as there may be
 * @param aType of activations
 * @param scaled whether activations are codes with scales
 * @param wType of the weight, as {@link Weight#type}
 * @param bits of a number or code of the weight
 * @param groups scales of a row of the weight, 1 where a row has one or none
 * @param aligned whether every row of both operands consists of whole, aligned vectors, one at least
 * @param bounded whether the device alone knows which rows are multiplied
 */
record Shape(
        int m,
        int n,
        int k,
        DType aType,
        boolean scaled,
        String wType,
        int bits,
        int groups,
        boolean aligned,
        boolean bounded) {

    Shape withRows(int rows) {
        return new Shape(rows, n, k, aType, scaled, wType, bits, groups, aligned, bounded);
    }

    Shape withColumns(int columns) {
        return new Shape(m, columns, k, aType, scaled, wType, bits, groups, aligned, bounded);
    }

    /** Whether activations are numbers of that type, not codes. */
    boolean isPlain(DType type) {
        return aType == type && !scaled;
    }

    /** Whether the operands have one type, and scales of rows or tensors alone. */
    boolean hasOneType() {
        return wType.equals(Weight.nameOf(aType)) && groups == 1;
    }

    /** Whether the weight has 4 bits. */
    boolean isPacked() {
        return bits < Byte.SIZE;
    }

    /** Whether the weight has codes of 8 bits or fewer. */
    boolean isCoded() {
        return bits <= Byte.SIZE;
    }

    /** Columns that share a scale. */
    int groupColumns() {
        return k / groups;
    }

    /** Bytes of the weight's codes: the unit of {@link ProductKernel#cost}. */
    double weightBytes() {
        return (double) n * k * bits / Byte.SIZE;
    }

    /** Bytes of the weight as BF16. */
    long valueBytes() {
        return Matrix.bytes(DType.BF16, n, k);
    }
}
