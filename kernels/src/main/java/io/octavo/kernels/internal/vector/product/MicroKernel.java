package io.octavo.kernels.internal.vector.product;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * The innermost loop of every matrix product: a tile of {@link #ROWS} x {@link #COLUMNS} sums that stays in registers.
 *
 * <pre>
 *   c[i, j] (+)= sum over p of a[i, p] * b[p, j]      i below ROWS, j below COLUMNS, p ascending
 * </pre>
 *
 * <p>Machines with 512-bit vectors have 32 registers: 24 hold sums, 4 a row of {@code b}, the rest broadcasts of
 * {@code a}. With 16 registers 12 hold sums. Written out by hand since the compiler keeps only named locals in
 * registers.
 */
public final class MicroKernel {

    private static final boolean WIDE = FLOATS.vectorBitSize() >= 512;

    public static final int ROWS = 6;
    public static final int COLUMNS = (WIDE ? 4 : 2) * LANES;

    private MicroKernel() {}

    /**
     * @param a element (i, p) at {@code aAt + i * aStride + p}
     * @param b element (p, j) at {@code bAt + p * bStride + j}
     * @param c element (i, j) at {@code cAt + i * cStride + j}
     * @param fresh whether {@code c} is overwritten instead of added to
     */
    public static void multiply(
            float[] a,
            int aAt,
            int aStride,
            float[] b,
            int bAt,
            int bStride,
            int k,
            float[] c,
            int cAt,
            int cStride,
            boolean fresh) {
        if (WIDE) {
            sixByFour(a, aAt, aStride, b, bAt, bStride, k, c, cAt, cStride, fresh);
        } else {
            sixByTwo(a, aAt, aStride, b, bAt, bStride, k, c, cAt, cStride, fresh);
        }
    }

    /** Six rows, four vectors of columns. */
    private static void sixByFour(
            float[] a,
            int aAt,
            int aStride,
            float[] b,
            int bAt,
            int bStride,
            int k,
            float[] c,
            int cAt,
            int cStride,
            boolean fresh) {
        FloatVector c00 = FloatVector.zero(FLOATS);
        FloatVector c01 = FloatVector.zero(FLOATS);
        FloatVector c02 = FloatVector.zero(FLOATS);
        FloatVector c03 = FloatVector.zero(FLOATS);
        FloatVector c10 = FloatVector.zero(FLOATS);
        FloatVector c11 = FloatVector.zero(FLOATS);
        FloatVector c12 = FloatVector.zero(FLOATS);
        FloatVector c13 = FloatVector.zero(FLOATS);
        FloatVector c20 = FloatVector.zero(FLOATS);
        FloatVector c21 = FloatVector.zero(FLOATS);
        FloatVector c22 = FloatVector.zero(FLOATS);
        FloatVector c23 = FloatVector.zero(FLOATS);
        FloatVector c30 = FloatVector.zero(FLOATS);
        FloatVector c31 = FloatVector.zero(FLOATS);
        FloatVector c32 = FloatVector.zero(FLOATS);
        FloatVector c33 = FloatVector.zero(FLOATS);
        FloatVector c40 = FloatVector.zero(FLOATS);
        FloatVector c41 = FloatVector.zero(FLOATS);
        FloatVector c42 = FloatVector.zero(FLOATS);
        FloatVector c43 = FloatVector.zero(FLOATS);
        FloatVector c50 = FloatVector.zero(FLOATS);
        FloatVector c51 = FloatVector.zero(FLOATS);
        FloatVector c52 = FloatVector.zero(FLOATS);
        FloatVector c53 = FloatVector.zero(FLOATS);
        int bRow = bAt;
        for (int aColumn = aAt; aColumn < aAt + k; aColumn++) {
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, bRow);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, bRow + LANES);
            FloatVector b2 = FloatVector.fromArray(FLOATS, b, bRow + 2 * LANES);
            FloatVector b3 = FloatVector.fromArray(FLOATS, b, bRow + 3 * LANES);
            FloatVector a0 = FloatVector.broadcast(FLOATS, a[aColumn]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            c02 = a0.fma(b2, c02);
            c03 = a0.fma(b3, c03);
            FloatVector a1 = FloatVector.broadcast(FLOATS, a[aColumn + aStride]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            c12 = a1.fma(b2, c12);
            c13 = a1.fma(b3, c13);
            FloatVector a2 = FloatVector.broadcast(FLOATS, a[aColumn + 2 * aStride]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            c22 = a2.fma(b2, c22);
            c23 = a2.fma(b3, c23);
            FloatVector a3 = FloatVector.broadcast(FLOATS, a[aColumn + 3 * aStride]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            c32 = a3.fma(b2, c32);
            c33 = a3.fma(b3, c33);
            FloatVector a4 = FloatVector.broadcast(FLOATS, a[aColumn + 4 * aStride]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            c42 = a4.fma(b2, c42);
            c43 = a4.fma(b3, c43);
            FloatVector a5 = FloatVector.broadcast(FLOATS, a[aColumn + 5 * aStride]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            c52 = a5.fma(b2, c52);
            c53 = a5.fma(b3, c53);
            bRow += bStride;
        }
        if (fresh) {
            int cRow = cAt;
            c00.intoArray(c, cRow);
            c01.intoArray(c, cRow + LANES);
            c02.intoArray(c, cRow + 2 * LANES);
            c03.intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c10.intoArray(c, cRow);
            c11.intoArray(c, cRow + LANES);
            c12.intoArray(c, cRow + 2 * LANES);
            c13.intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c20.intoArray(c, cRow);
            c21.intoArray(c, cRow + LANES);
            c22.intoArray(c, cRow + 2 * LANES);
            c23.intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c30.intoArray(c, cRow);
            c31.intoArray(c, cRow + LANES);
            c32.intoArray(c, cRow + 2 * LANES);
            c33.intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c40.intoArray(c, cRow);
            c41.intoArray(c, cRow + LANES);
            c42.intoArray(c, cRow + 2 * LANES);
            c43.intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c50.intoArray(c, cRow);
            c51.intoArray(c, cRow + LANES);
            c52.intoArray(c, cRow + 2 * LANES);
            c53.intoArray(c, cRow + 3 * LANES);
        } else {
            int cRow = cAt;
            c00.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c01.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            c02.add(FloatVector.fromArray(FLOATS, c, cRow + 2 * LANES)).intoArray(c, cRow + 2 * LANES);
            c03.add(FloatVector.fromArray(FLOATS, c, cRow + 3 * LANES)).intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c10.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c11.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            c12.add(FloatVector.fromArray(FLOATS, c, cRow + 2 * LANES)).intoArray(c, cRow + 2 * LANES);
            c13.add(FloatVector.fromArray(FLOATS, c, cRow + 3 * LANES)).intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c20.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c21.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            c22.add(FloatVector.fromArray(FLOATS, c, cRow + 2 * LANES)).intoArray(c, cRow + 2 * LANES);
            c23.add(FloatVector.fromArray(FLOATS, c, cRow + 3 * LANES)).intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c30.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c31.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            c32.add(FloatVector.fromArray(FLOATS, c, cRow + 2 * LANES)).intoArray(c, cRow + 2 * LANES);
            c33.add(FloatVector.fromArray(FLOATS, c, cRow + 3 * LANES)).intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c40.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c41.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            c42.add(FloatVector.fromArray(FLOATS, c, cRow + 2 * LANES)).intoArray(c, cRow + 2 * LANES);
            c43.add(FloatVector.fromArray(FLOATS, c, cRow + 3 * LANES)).intoArray(c, cRow + 3 * LANES);
            cRow += cStride;
            c50.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c51.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            c52.add(FloatVector.fromArray(FLOATS, c, cRow + 2 * LANES)).intoArray(c, cRow + 2 * LANES);
            c53.add(FloatVector.fromArray(FLOATS, c, cRow + 3 * LANES)).intoArray(c, cRow + 3 * LANES);
        }
    }

    /** Six rows, two vectors of columns. */
    private static void sixByTwo(
            float[] a,
            int aAt,
            int aStride,
            float[] b,
            int bAt,
            int bStride,
            int k,
            float[] c,
            int cAt,
            int cStride,
            boolean fresh) {
        FloatVector c00 = FloatVector.zero(FLOATS);
        FloatVector c01 = FloatVector.zero(FLOATS);
        FloatVector c10 = FloatVector.zero(FLOATS);
        FloatVector c11 = FloatVector.zero(FLOATS);
        FloatVector c20 = FloatVector.zero(FLOATS);
        FloatVector c21 = FloatVector.zero(FLOATS);
        FloatVector c30 = FloatVector.zero(FLOATS);
        FloatVector c31 = FloatVector.zero(FLOATS);
        FloatVector c40 = FloatVector.zero(FLOATS);
        FloatVector c41 = FloatVector.zero(FLOATS);
        FloatVector c50 = FloatVector.zero(FLOATS);
        FloatVector c51 = FloatVector.zero(FLOATS);
        int bRow = bAt;
        for (int aColumn = aAt; aColumn < aAt + k; aColumn++) {
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, bRow);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, bRow + LANES);
            FloatVector a0 = FloatVector.broadcast(FLOATS, a[aColumn]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = FloatVector.broadcast(FLOATS, a[aColumn + aStride]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = FloatVector.broadcast(FLOATS, a[aColumn + 2 * aStride]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = FloatVector.broadcast(FLOATS, a[aColumn + 3 * aStride]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            FloatVector a4 = FloatVector.broadcast(FLOATS, a[aColumn + 4 * aStride]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            FloatVector a5 = FloatVector.broadcast(FLOATS, a[aColumn + 5 * aStride]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            bRow += bStride;
        }
        if (fresh) {
            int cRow = cAt;
            c00.intoArray(c, cRow);
            c01.intoArray(c, cRow + LANES);
            cRow += cStride;
            c10.intoArray(c, cRow);
            c11.intoArray(c, cRow + LANES);
            cRow += cStride;
            c20.intoArray(c, cRow);
            c21.intoArray(c, cRow + LANES);
            cRow += cStride;
            c30.intoArray(c, cRow);
            c31.intoArray(c, cRow + LANES);
            cRow += cStride;
            c40.intoArray(c, cRow);
            c41.intoArray(c, cRow + LANES);
            cRow += cStride;
            c50.intoArray(c, cRow);
            c51.intoArray(c, cRow + LANES);
        } else {
            int cRow = cAt;
            c00.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c01.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            cRow += cStride;
            c10.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c11.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            cRow += cStride;
            c20.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c21.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            cRow += cStride;
            c30.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c31.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            cRow += cStride;
            c40.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c41.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
            cRow += cStride;
            c50.add(FloatVector.fromArray(FLOATS, c, cRow)).intoArray(c, cRow);
            c51.add(FloatVector.fromArray(FLOATS, c, cRow + LANES)).intoArray(c, cRow + LANES);
        }
    }
}
