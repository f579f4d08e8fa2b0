package io.octavo.engine.transformer;

import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.page.PagePool;
import io.octavo.engine.transformer.weight.KvScales;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What every layer keeps of some sequences, and which sequence owns which page of it.
 *
 * <p>Not thread-safe. Sequences of a closed cache must not be used.
 */
public final class KvCache implements AutoCloseable {

    private final int firstLayer;
    private final PagePool pool;
    private final Backend backend;
    private final DType dtype;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final List<LayerState> states = new ArrayList<>();

    /**
     * A cache of the layers {@code [from, to)}.
     *
     * @param pages of {@link KvCacheLayout#PAGE_TOKENS} tokens, shared by all sequences
     * @param dtype F32, BF16, F8_E4M3 or I8
     * @param given scales for a cache of their type; where there are none, every token and head of 8 bits gets its own
     */
    KvCache(Backend backend, ModelSpec spec, int from, int to, int pages, DType dtype, KvScales given) {
        this.firstLayer = from;
        this.pool = new PagePool(pages, KvCacheLayout.PAGE_TOKENS);
        this.backend = backend;
        this.dtype = dtype;
        boolean scalesAreGiven = dtype == given.type() && !given.isEmpty();
        for (int layer = from; layer < to; layer++) {
            KvScales.Layer scales = scalesAreGiven ? given.layers().get(layer) : null;
            states.add(
                    switch (spec.layers().get(layer).mixer()) {
                        case AttentionSpec attention -> keysAndValues(attention, scales);
                    });
        }
    }

    private LayerState keysAndValues(AttentionSpec attention, KvScales.@Nullable Layer given) {
        var layout = new KvCacheLayout(pool.pages(), attention.kvHeads(), attention.headDim());
        return new LayerState.KeysAndValues(
                layout,
                tensor(layout, given == null ? null : given.keys()),
                tensor(layout, given == null ? null : given.values()));
    }

    private KvCacheTensor tensor(KvCacheLayout layout, @Nullable Matrix given) {
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

    /** What the checkpoint has scales for, else the type that products take. */
    static DType defaultType(Backend backend, KvScales given) {
        return given.isEmpty() ? backend.productInput() : given.type();
    }

    /** Pages that {@code sequences} sequences of {@code tokens} tokens need. */
    static int pagesFor(int sequences, int tokens) {
        return Math.multiplyExact(sequences, Math.ceilDiv(tokens, KvCacheLayout.PAGE_TOKENS));
    }

    /** Bytes of a page, over all layers, scales included. */
    public static long pageBytes(ModelSpec spec, DType dtype) {
        return spec.layers().stream()
                .mapToLong(
                        layer -> KvCacheLayout.PAGE_TOKENS * (bytesPerToken(layer, dtype) + scaleBytes(layer, dtype)))
                .sum();
    }

    private static long scaleBytes(LayerSpec layer, DType dtype) {
        return switch (layer.mixer()) {
            case AttentionSpec attention ->
                dtype == DType.F8_E4M3 || dtype == DType.I8 ? Matrix.bytes(DType.F32, 2, attention.kvHeads()) : 0;
        };
    }

    /** Bytes that a token takes in an F32 cache, over all layers. */
    static long bytesPerToken(ModelSpec spec) {
        return spec.layers().stream()
                .mapToLong(layer -> bytesPerToken(layer, DType.F32))
                .sum();
    }

    /** Bytes that a token takes in one layer, without scales. */
    static long bytesPerToken(LayerSpec layer, DType dtype) {
        return switch (layer.mixer()) {
            case AttentionSpec attention -> Matrix.bytes(dtype, 2, attention.keyValueColumns());
        };
    }

    LayerState.KeysAndValues keysAndValues(int layer) {
        return switch (states.get(layer - firstLayer)) {
            case LayerState.KeysAndValues state -> state;
        };
    }

    /** Pages in all, each of {@link KvCacheLayout#PAGE_TOKENS} tokens. */
    public int pages() {
        return pool.pages();
    }

    /** Pages that sequences can still take. */
    public int freePages() {
        return pool.free();
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

        private final PagePool.Holder holder = pool.newHolder();
        private int length;

        private Sequence() {}

        /** Tokens that the context holds. */
        public int length() {
            return length;
        }

        List<Integer> pages() {
            return holder.pages();
        }

        /**
         * Takes the pages that so many tokens need.
         *
         * @return whether there were enough; those that were are kept either way
         */
        public boolean reserve(int tokens) {
            while (tokens > pages().size() * KvCacheLayout.PAGE_TOKENS) {
                if (!holder.add()) {
                    return false;
                }
            }
            return true;
        }

        /**
         * Begins with pages that sequences before this one have filled.
         *
         * @param tokens of the context to be
         * @param most of them that need not be computed
         * @return how many the context holds now
         * @throws IllegalStateException if it holds any already
         */
        public int reuse(int[] tokens, int most) {
            length = holder.reuse(tokens, most);
            return length;
        }

        /** Whether there are full pages that {@link #publish} has not seen. */
        public boolean isPublishable() {
            return length / KvCacheLayout.PAGE_TOKENS > holder.published();
        }

        /**
         * Lets later sequences begin with the full pages of this one.
         *
         * @param tokens all that it holds, in order; others may follow
         */
        public void publish(int[] tokens) {
            holder.publish(tokens, length);
        }

        /** Lets no later sequence begin as this one does. */
        public void withdraw() {
            holder.withdraw();
        }

        /**
         * Makes room for one more token.
         *
         * @return its slot
         * @throws IllegalStateException if no page is free
         */
        int append() {
            if (!reserve(length + 1)) {
                throw new IllegalStateException("key-value cache is full: all " + pool.pages() + " pages of "
                        + KvCacheLayout.PAGE_TOKENS + " tokens are taken");
            }
            int page = pages().get(length / KvCacheLayout.PAGE_TOKENS);
            int slot = page * KvCacheLayout.PAGE_TOKENS + length % KvCacheLayout.PAGE_TOKENS;
            length++;
            return slot;
        }

        @Override
        public void close() {
            holder.release();
            length = 0;
        }
    }
}
