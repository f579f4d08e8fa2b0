package io.octavo.engine.transformer;

import io.octavo.kernels.Backend;
import io.octavo.kernels.CodeFormat;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import java.util.List;

/**
 * Rounds keys and values to 8-bit floats before they enter the cache, as a cache of 8 bits would.
 *
 * @param layers the scales of every layer, {@code [1, 1]} or {@code [1, kvHeads]} F32; empty where nothing is rounded
 */
record KvRounding(List<Scales> layers) {

    record Scales(Matrix keys, Matrix values) {}

    KvRounding {
        layers = List.copyOf(layers);
    }

    void apply(Backend backend, int layer, Matrix keys, Matrix values, Stream stream) {
        if (!layers.isEmpty()) {
            Scales scales = layers.get(layer);
            backend.fakeQuantize().applyFixed(keys, CodeFormat.E4M3, scales.keys(), 0, keys, stream);
            backend.fakeQuantize().applyFixed(values, CodeFormat.E4M3, scales.values(), 0, values, stream);
        }
    }
}
