package io.octavo.engine.label;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;

/**
 * How a config declares the KV cache.
 *
 * @param type such as {@code FP8}
 * @param bits of one stored key or value
 * @param scales how they are shared: {@code per tensor} or {@code per head}
 */
public record DeclaredKvCache(String type, int bits, String scales) {

    static DeclaredKvCache of(Quantization cache) {
        String scales = cache.granularity() instanceof Granularity.PerTensorGroup group
                ? "per group of " + group.size()
                : cache.granularity().toString();
        return new DeclaredKvCache(NumberFamily.name(cache), cache.type().bits(), scales);
    }
}
