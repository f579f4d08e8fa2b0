package io.octavo.engine.label;

/**
 * How a config declares the KV cache.
 *
 * @param type such as {@code FP8}
 * @param bits of one stored key or value
 * @param scales how they are shared: {@code per tensor} or {@code per head}
 */
public record KvCache(String type, int bits, String scales) {

    static final KvCache FP8_PER_TENSOR = new KvCache("FP8", 8, "per tensor");
}
