package io.octavo.kernels.internal.vector.product;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static io.octavo.kernels.internal.vector.base.Native.MEMORY;
import static jdk.incubator.vector.VectorOperators.LSHL;

import io.octavo.kernels.internal.vector.base.Lanes;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Dot products with a BF16 row that is read once and never stored as f32.
 *
 * <p>A 32-bit word holds two neighbours: a shift makes an f32 of the even one, a mask of the odd one. So the activations
 * are sorted once, each {@link #BLOCK} into its even and then its odd numbers, and the row needs no unpacking.
 */
final class Bf16Dots {

    /** Numbers that one round of the loop takes: two words' worth of lanes. */
    static final int BLOCK = 4 * LANES;

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
    private static final int ODD = 0xFFFF0000;
    private static final int PAIRS = 2 * LANES;

    private Bf16Dots() {}

    /** Sorts {@code values[at, at + count)} for {@link #dot}; {@code count} is a multiple of {@link #BLOCK}. */
    static void sort(float[] values, int at, int count) {
        float[] sorted = new float[PAIRS];
        for (int block = at; block < at + count; block += PAIRS) {
            for (int i = 0; i < LANES; i++) {
                sorted[i] = values[block + 2 * i];
                sorted[LANES + i] = values[block + 2 * i + 1];
            }
            System.arraycopy(sorted, 0, values, block, PAIRS);
        }
    }

    /**
     * @param row address of {@code count} BF16 numbers
     * @param activations sorted numbers from {@code at} on
     * @param count a multiple of {@link #BLOCK}
     */
    static float dot(long row, float[] activations, int at, int count) {
        FloatVector even0 = FloatVector.zero(FLOATS);
        FloatVector odd0 = FloatVector.zero(FLOATS);
        FloatVector even1 = FloatVector.zero(FLOATS);
        FloatVector odd1 = FloatVector.zero(FLOATS);
        for (int i = 0; i < count; i += BLOCK) {
            IntVector first = words(row + (long) i * Short.BYTES);
            IntVector second = words(row + (long) (i + PAIRS) * Short.BYTES);
            even0 = load(activations, at + i).fma(even(first), even0);
            odd0 = load(activations, at + i + LANES).fma(odd(first), odd0);
            even1 = load(activations, at + i + 2 * LANES).fma(even(second), even1);
            odd1 = load(activations, at + i + 3 * LANES).fma(odd(second), odd1);
        }
        return Lanes.sum(even0.add(odd0).add(even1.add(odd1)));
    }

    private static IntVector words(long address) {
        return IntVector.fromMemorySegment(INTS, MEMORY, address, ByteOrder.LITTLE_ENDIAN);
    }

    private static FloatVector even(IntVector words) {
        return words.lanewise(LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector odd(IntVector words) {
        return words.and(ODD).reinterpretAsFloats();
    }

    private static FloatVector load(float[] array, int at) {
        return FloatVector.fromArray(FLOATS, array, at);
    }
}
