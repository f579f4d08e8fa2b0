package io.octavo.engine.transformer;

import io.octavo.kernels.device.Matrix;
import java.util.List;

/**
 * The scales of keys and values in a cache of 8-bit floats, as a checkpoint stores them.
 *
 * @param layers of every layer, {@code [1, 1]} or {@code [1, kvHeads]} F32; empty where the checkpoint has none
 */
record KvScales(List<Layer> layers) {

    record Layer(Matrix keys, Matrix values) {

        boolean fits(int heads) {
            return fits(keys, heads) && fits(values, heads);
        }

        private static boolean fits(Matrix scales, int heads) {
            return scales.columns() == 1 || scales.columns() == heads;
        }
    }

    KvScales {
        layers = List.copyOf(layers);
    }

    boolean isEmpty() {
        return layers.isEmpty();
    }
}
