package io.octavo.kernels.internal.vector.product;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** Turns rows into columns, one vector wide. */
public final class Transpose {

    /** Lanes of 512 bits; narrower machines have no permutation of two vectors. */
    private static final int WIDE = 16;

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    /** Takes lanes of two vectors in turn: the first halves of both, and the second ones. */
    private static final IntVector FIRST = IntVector.fromArray(INTS, inTurn(0), 0);

    private static final IntVector SECOND = IntVector.fromArray(INTS, inTurn(LANES / 2), 0);

    private Transpose() {}

    private static int[] inTurn(int from) {
        int[] lanes = new int[LANES];
        for (int i = 0; i < LANES; i++) {
            lanes[i] = from + i / 2 + i % 2 * LANES;
        }
        return lanes;
    }

    /**
     * {@code target[at + c * targetStride + r] = rows[r * rowStride + c]} for {@code LANES} rows and {@code count}
     * columns.
     */
    public static void intoColumns(float[] rows, int rowStride, int count, float[] target, int at, int targetStride) {
        int c = 0;
        if (LANES == WIDE) {
            for (; c + WIDE <= count; c += WIDE) {
                square(rows, c, rowStride, target, at + c * targetStride, targetStride);
            }
        }
        int[] rowStarts = new int[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            rowStarts[lane] = lane * rowStride;
        }
        for (; c < count; c++) {
            FloatVector.fromArray(FLOATS, rows, c, rowStarts, 0).intoArray(target, at + c * targetStride);
        }
    }

    /**
     * Sixteen rows of sixteen. With the bits of a row {@code r3 r2 r1 r0} and those of a column {@code c3 c2 c1 c0}, taking
     * lanes of rows 8 apart in turn moves {@code r3} to the end of the column's bits and {@code c3} to that of the row's; four
     * times, and they have changed places. Written out by hand, as {@link MicroKernel} is.
     */
    private static void square(float[] rows, int from, int rowStride, float[] target, int at, int targetStride) {
        IntVector a0 = load(rows, from);
        IntVector a1 = load(rows, from + rowStride);
        IntVector a2 = load(rows, from + 2 * rowStride);
        IntVector a3 = load(rows, from + 3 * rowStride);
        IntVector a4 = load(rows, from + 4 * rowStride);
        IntVector a5 = load(rows, from + 5 * rowStride);
        IntVector a6 = load(rows, from + 6 * rowStride);
        IntVector a7 = load(rows, from + 7 * rowStride);
        IntVector a8 = load(rows, from + 8 * rowStride);
        IntVector a9 = load(rows, from + 9 * rowStride);
        IntVector a10 = load(rows, from + 10 * rowStride);
        IntVector a11 = load(rows, from + 11 * rowStride);
        IntVector a12 = load(rows, from + 12 * rowStride);
        IntVector a13 = load(rows, from + 13 * rowStride);
        IntVector a14 = load(rows, from + 14 * rowStride);
        IntVector a15 = load(rows, from + 15 * rowStride);
        IntVector b0 = FIRST.selectFrom(a0, a8);
        IntVector b1 = SECOND.selectFrom(a0, a8);
        IntVector b2 = FIRST.selectFrom(a1, a9);
        IntVector b3 = SECOND.selectFrom(a1, a9);
        IntVector b4 = FIRST.selectFrom(a2, a10);
        IntVector b5 = SECOND.selectFrom(a2, a10);
        IntVector b6 = FIRST.selectFrom(a3, a11);
        IntVector b7 = SECOND.selectFrom(a3, a11);
        IntVector b8 = FIRST.selectFrom(a4, a12);
        IntVector b9 = SECOND.selectFrom(a4, a12);
        IntVector b10 = FIRST.selectFrom(a5, a13);
        IntVector b11 = SECOND.selectFrom(a5, a13);
        IntVector b12 = FIRST.selectFrom(a6, a14);
        IntVector b13 = SECOND.selectFrom(a6, a14);
        IntVector b14 = FIRST.selectFrom(a7, a15);
        IntVector b15 = SECOND.selectFrom(a7, a15);
        IntVector c0 = FIRST.selectFrom(b0, b8);
        IntVector c1 = SECOND.selectFrom(b0, b8);
        IntVector c2 = FIRST.selectFrom(b1, b9);
        IntVector c3 = SECOND.selectFrom(b1, b9);
        IntVector c4 = FIRST.selectFrom(b2, b10);
        IntVector c5 = SECOND.selectFrom(b2, b10);
        IntVector c6 = FIRST.selectFrom(b3, b11);
        IntVector c7 = SECOND.selectFrom(b3, b11);
        IntVector c8 = FIRST.selectFrom(b4, b12);
        IntVector c9 = SECOND.selectFrom(b4, b12);
        IntVector c10 = FIRST.selectFrom(b5, b13);
        IntVector c11 = SECOND.selectFrom(b5, b13);
        IntVector c12 = FIRST.selectFrom(b6, b14);
        IntVector c13 = SECOND.selectFrom(b6, b14);
        IntVector c14 = FIRST.selectFrom(b7, b15);
        IntVector c15 = SECOND.selectFrom(b7, b15);
        IntVector d0 = FIRST.selectFrom(c0, c8);
        IntVector d1 = SECOND.selectFrom(c0, c8);
        IntVector d2 = FIRST.selectFrom(c1, c9);
        IntVector d3 = SECOND.selectFrom(c1, c9);
        IntVector d4 = FIRST.selectFrom(c2, c10);
        IntVector d5 = SECOND.selectFrom(c2, c10);
        IntVector d6 = FIRST.selectFrom(c3, c11);
        IntVector d7 = SECOND.selectFrom(c3, c11);
        IntVector d8 = FIRST.selectFrom(c4, c12);
        IntVector d9 = SECOND.selectFrom(c4, c12);
        IntVector d10 = FIRST.selectFrom(c5, c13);
        IntVector d11 = SECOND.selectFrom(c5, c13);
        IntVector d12 = FIRST.selectFrom(c6, c14);
        IntVector d13 = SECOND.selectFrom(c6, c14);
        IntVector d14 = FIRST.selectFrom(c7, c15);
        IntVector d15 = SECOND.selectFrom(c7, c15);
        IntVector e0 = FIRST.selectFrom(d0, d8);
        IntVector e1 = SECOND.selectFrom(d0, d8);
        IntVector e2 = FIRST.selectFrom(d1, d9);
        IntVector e3 = SECOND.selectFrom(d1, d9);
        IntVector e4 = FIRST.selectFrom(d2, d10);
        IntVector e5 = SECOND.selectFrom(d2, d10);
        IntVector e6 = FIRST.selectFrom(d3, d11);
        IntVector e7 = SECOND.selectFrom(d3, d11);
        IntVector e8 = FIRST.selectFrom(d4, d12);
        IntVector e9 = SECOND.selectFrom(d4, d12);
        IntVector e10 = FIRST.selectFrom(d5, d13);
        IntVector e11 = SECOND.selectFrom(d5, d13);
        IntVector e12 = FIRST.selectFrom(d6, d14);
        IntVector e13 = SECOND.selectFrom(d6, d14);
        IntVector e14 = FIRST.selectFrom(d7, d15);
        IntVector e15 = SECOND.selectFrom(d7, d15);
        e0.reinterpretAsFloats().intoArray(target, at);
        e1.reinterpretAsFloats().intoArray(target, at + targetStride);
        e2.reinterpretAsFloats().intoArray(target, at + 2 * targetStride);
        e3.reinterpretAsFloats().intoArray(target, at + 3 * targetStride);
        e4.reinterpretAsFloats().intoArray(target, at + 4 * targetStride);
        e5.reinterpretAsFloats().intoArray(target, at + 5 * targetStride);
        e6.reinterpretAsFloats().intoArray(target, at + 6 * targetStride);
        e7.reinterpretAsFloats().intoArray(target, at + 7 * targetStride);
        e8.reinterpretAsFloats().intoArray(target, at + 8 * targetStride);
        e9.reinterpretAsFloats().intoArray(target, at + 9 * targetStride);
        e10.reinterpretAsFloats().intoArray(target, at + 10 * targetStride);
        e11.reinterpretAsFloats().intoArray(target, at + 11 * targetStride);
        e12.reinterpretAsFloats().intoArray(target, at + 12 * targetStride);
        e13.reinterpretAsFloats().intoArray(target, at + 13 * targetStride);
        e14.reinterpretAsFloats().intoArray(target, at + 14 * targetStride);
        e15.reinterpretAsFloats().intoArray(target, at + 15 * targetStride);
    }

    private static IntVector load(float[] rows, int at) {
        return FloatVector.fromArray(FLOATS, rows, at).reinterpretAsInts();
    }
}
