package io.octavo.engine.transformer;

import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of every layer in pages, and which sequence owns which page.
 *
 * <p>Not thread-safe. Sequences of a closed cache must not be used.
 */
public final class KvCache implements AutoCloseable {

    private final KvCacheLayout layout;
    private final Backend backend;
    private final DType dtype;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final List<KvCacheTensor> keys = new ArrayList<>();
    private final List<KvCacheTensor> values = new ArrayList<>();
    private final Deque<Integer> freePages = new ArrayDeque<>();

    /**
     * @param pages of {@link KvCacheLayout#PAGE_TOKENS} tokens, shared by all sequences
     * @param dtype F32, BF16, F8_E4M3 or I8
     * @param given scales for F8_E4M3; where they are empty, every token and head of a cache of 8 bits gets its own
     */
    KvCache(Backend backend, ModelSpec spec, int pages, DType dtype, KvScales given) {
        AttentionSpec attention = spec.attention();
        this.layout = new KvCacheLayout(pages, attention.kvHeads(), attention.headDim());
        this.backend = backend;
        this.dtype = dtype;
        boolean scalesAreGiven = dtype == DType.F8_E4M3 && !given.isEmpty();
        for (int layer = 0; layer < spec.layers().size(); layer++) {
            keys.add(tensor(scalesAreGiven ? given.layers().get(layer).keys() : null));
            values.add(tensor(scalesAreGiven ? given.layers().get(layer).values() : null));
        }
        for (int page = 0; page < pages; page++) {
            freePages.addLast(page);
        }
    }

    private KvCacheTensor tensor(@Nullable Matrix given) {
        Matrix numbers = allocate(dtype, layout.rows(), layout.headDim());
        boolean needsScales = dtype == DType.F8_E4M3 || dtype == DType.I8;
        return new KvCacheTensor(
                numbers, given != null || !needsScales ? given : allocate(DType.F32, layout.rows(), 1));
    }

    private Matrix allocate(DType type, long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("kv-cache", Matrix.bytes(type, rows, columns));
        buffers.add(buffer);
        return Matrix.of(buffer, type, rows, columns);
    }

    /** Pages that {@code sequences} sequences of {@code tokens} tokens need. */
    public static int pagesFor(int sequences, int tokens) {
        return Math.multiplyExact(sequences, Math.ceilDiv(tokens, KvCacheLayout.PAGE_TOKENS));
    }

    /** Bytes that a token takes in an F32 cache, over all layers. */
    static long bytesPerToken(ModelSpec spec) {
        return 2L * spec.layers().size() * spec.attention().keyValueColumns() * Float.BYTES;
    }

    KvCacheLayout layout() {
        return layout;
    }

    KvCacheTensor keys(int layer) {
        return keys.get(layer);
    }

    KvCacheTensor values(int layer) {
        return values.get(layer);
    }

    public Sequence newSequence() {
        return new Sequence();
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
    }

    /** One context: its length and its pages in order of position. {@link #close()} gives the pages back. */
    public final class Sequence implements AutoCloseable {

        private final List<Integer> pages = new ArrayList<>();
        private int length;

        private Sequence() {}

        /** Tokens that the context holds. */
        public int length() {
            return length;
        }

        List<Integer> pages() {
            return pages;
        }

        /**
         * Makes room for one more token.
         *
         * @return its slot
         * @throws IllegalStateException if no page is free
         */
        int append() {
            if (length == pages.size() * KvCacheLayout.PAGE_TOKENS) {
                Integer page = freePages.pollFirst();
                if (page == null) {
                    throw new IllegalStateException("key-value cache is full: all " + layout.pages() + " pages of "
                            + KvCacheLayout.PAGE_TOKENS + " tokens are taken");
                }
                pages.add(page);
            }
            int slot = pages.getLast() * KvCacheLayout.PAGE_TOKENS + length % KvCacheLayout.PAGE_TOKENS;
            length++;
            return slot;
        }

        @Override
        public void close() {
            freePages.addAll(pages);
            pages.clear();
            length = 0;
        }
    }
}
