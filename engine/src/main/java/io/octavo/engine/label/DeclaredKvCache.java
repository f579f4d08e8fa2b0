package io.octavo.engine.label;

/**
 * How a config declares the KV cache.
 *
 * @param type such as {@code FP8}
 * @param bits of one stored key or value
 * @param scales how they are shared: {@code per tensor} or {@code per head}
 */
public record DeclaredKvCache(String type, int bits, String scales) {

    static final DeclaredKvCache FP8_PER_TENSOR = new DeclaredKvCache("FP8", 8, "per tensor");
}
