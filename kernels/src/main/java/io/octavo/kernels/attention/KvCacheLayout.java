package io.octavo.kernels.attention;

/**
 * Where keys and values of one layer lie: {@code [pages][kvHeads][PAGE_TOKENS][headDim]}, one buffer for keys and one
 * for values. A page of one head is one contiguous block. Slot {@code s} is token {@code s % PAGE_TOKENS} of page
 * {@code s / PAGE_TOKENS}.
 */
public record KvCacheLayout(int pages, int kvHeads, int headDim) {

    public static final int PAGE_TOKENS = 64;

    public KvCacheLayout {
        if (pages <= 0 || kvHeads <= 0 || headDim <= 0) {
            throw new IllegalArgumentException(
                    "pages " + pages + ", kvHeads " + kvHeads + ", headDim " + headDim + ": all must be positive");
        }
    }

    /** Rows of the matrix that holds the cache: {@code [pages * kvHeads * PAGE_TOKENS, headDim]}. */
    public long rows() {
        return (long) pages * kvHeads * PAGE_TOKENS;
    }

    /** The row that holds {@code slot} of {@code kvHead}. */
    public long row(long slot, int kvHead) {
        long page = slot / PAGE_TOKENS;
        return (page * kvHeads + kvHead) * PAGE_TOKENS + slot % PAGE_TOKENS;
    }
}
