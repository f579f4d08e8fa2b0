package io.octavo.engine.transformer.weight;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.List;

/**
 * The scales of keys and values in a cache of 8 bits, as a checkpoint stores them.
 *
 * @param type of the cache that they are for, F8_E4M3 or I8; of no meaning where there are none
 * @param layers of every layer, {@code [1, 1]} or {@code [1, kvHeads]} F32; empty where the checkpoint has none
 */
public record KvScales(DType type, List<Layer> layers) {

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

    public static KvScales none() {
        return new KvScales(DType.F8_E4M3, List.of());
    }

    public boolean isEmpty() {
        return layers.isEmpty();
    }
}
