package io.octavo.kernels.internal.vector.base;

import java.util.EnumMap;
import java.util.Map;

/** Working memory of one thread, kept between operations and grown when one needs more. Contents are left over. */
public final class Scratch {

    /** What an array is used for; uses that are live at the same time have names of their own. */
    public enum Use {
        ACTIVATIONS,
        WEIGHTS,
        ROWS,
        SUMS,
        SCALES,
        QUERIES,
        KEYS,
        VALUES,
        SCORES,
        MAXIMA
    }

    private final Map<Use, float[]> arrays = new EnumMap<>(Use.class);

    /** At least {@code size} floats. */
    public float[] floats(Use use, int size) {
        float[] array = arrays.get(use);
        if (array == null || array.length < size) {
            array = new float[size];
            arrays.put(use, array);
        }
        return array;
    }
}
