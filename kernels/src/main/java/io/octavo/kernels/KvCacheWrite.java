package io.octavo.kernels;

/** Stores fresh keys or values in their cache slots. */
public interface KvCacheWrite {

    /**
     * @param x {@code [tokens, kvHeads * headDim]} F32; keys after rotation
     * @param slots {@code [1, tokens]} I32; a negative slot is padding and is skipped; the CPU backend
     *     throws on one past the last page
     * @param cache {@code [layout.rows(), headDim]} F32 or BF16
     */
    void write(Matrix x, Matrix slots, KvCacheLayout layout, Matrix cache, Stream stream);
}
