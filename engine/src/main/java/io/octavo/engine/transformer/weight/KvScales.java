package io.octavo.engine.transformer.weight;

import io.octavo.kernels.device.Matrix;
import java.util.List;

/**
 * The scales of keys and values in a cache of 8-bit floats, as a checkpoint stores them.
 *
 * @param layers of every layer, {@code [1, 1]} or {@code [1, kvHeads]} F32; empty where the checkpoint has none
 */
public record KvScales(List<Layer> layers) {

    public record Layer(Matrix keys, Matrix values) {

        public boolean fits(int heads) {
            return fits(keys, heads) && fits(values, heads);
        }

        private static boolean fits(Matrix scales, int heads) {
            return scales.columns() == 1 || scales.columns() == heads;
        }
    }

    public KvScales {
        layers = List.copyOf(layers);
    }

    public boolean isEmpty() {
        return layers.isEmpty();
    }
}
