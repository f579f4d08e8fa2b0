package io.octavo.engine.layout.weight;

import io.octavo.engine.scheme.Quantization;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Stored scales of what enters the KV cache: keys after rotation, and values.
 *
 * @param byLayer for every decoder layer, by its number from 0
 */
public record KvCacheScales(Quantization quantization, SortedMap<Integer, Layer> byLayer) {

    /** One scale for the whole tensor, or one for each key-value head. */
    public record Layer(List<Float> keys, List<Float> values) {
        public Layer {
            keys = List.copyOf(keys);
            values = List.copyOf(values);
        }
    }

    public KvCacheScales {
        byLayer = Collections.unmodifiableSortedMap(new TreeMap<>(byLayer));
    }
}
