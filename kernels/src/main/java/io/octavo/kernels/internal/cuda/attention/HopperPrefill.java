package io.octavo.kernels.internal.cuda.attention;

import io.octavo.kernels.attention.Attention.Batch;
import io.octavo.kernels.attention.Attention.Parameters;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.cuda.attention.CudaAttention.Operation;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelCall;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import org.jspecify.annotations.Nullable;

/** Launches {@code attention_hopper.cu}, for caches of 8 bits after {@code kv_cache_expand.cu}. */
final class HopperPrefill {

    static final int COMPUTE_CAPABILITY = 90;

    /** Rows of a sequence, on average, below which most of a tile would be padding. */
    private static final int LEAST_ROWS = 64;

    /** Rows of a sequence, on average, from which on 16-bit products save more than expanding 8-bit codes costs. */
    private static final int LEAST_EXPANDED_ROWS = 512;

    private static final long MOST_EXPANDED_BYTES = 512L << 20;

    private final KernelLibrary library;
    private final DeviceMemory memory;
    private final int multiprocessors;

    HopperPrefill(KernelLibrary library, DeviceMemory memory, int multiprocessors) {
        this.library = library;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
    }

    /** Addresses of keys and values in 16 bits, of {@code count} pages, and of what numbers are multiplied by. */
    private record Pages(
            long keys,
            long values,
            long table,
            int count,
            long keyScales,
            long valueScales,
            int sequenceStride,
            int headStride) {}

    boolean takes(Operation operation) {
        long rows = (long) operation.tokens() * operation.group();
        if (operation.cacheType() == DType.BF16) {
            return rows >= (long) LEAST_ROWS * operation.sequences()
                    && operation.parameters().layout().rows() <= Integer.MAX_VALUE;
        }
        return rows >= (long) LEAST_EXPANDED_ROWS * operation.sequences()
                && 2 * expandedBytes(operation) <= MOST_EXPANDED_BYTES;
    }

    void launch(Operation operation, CudaStream stream) {
        if (operation.cacheType() == DType.BF16) {
            attend(operation, asTheyAre(operation), "bf16", stream);
            return;
        }
        long expanded = expandedBytes(operation);
        long ranges =
                (long) operation.sequences() * operation.parameters().layout().kvHeads() * Float.BYTES;
        long table = (long) operation.sequences() * operation.maxPages() * Integer.BYTES;
        try (var scratch = PartialSums.of("attention", 2 * (expanded + ranges) + table, memory, stream)) {
            Pages pages = expandedAt(operation, scratch.address(), expanded, ranges);
            expand(operation, pages, stream);
            attend(operation, pages, "f16", stream);
        }
    }

    private static Pages asTheyAre(Operation operation) {
        return new Pages(
                CudaBuffer.addressOf(operation.keys().numbers()),
                CudaBuffer.addressOf(operation.values().numbers()),
                CudaBuffer.addressOf(operation.batch().pageTable()),
                operation.parameters().layout().pages(),
                0,
                0,
                0,
                0);
    }

    /** Of keys, and of values. */
    private static long expandedBytes(Operation operation) {
        KvCacheLayout layout = operation.parameters().layout();
        long pages = (long) operation.sequences() * operation.maxPages();
        return pages * layout.kvHeads() * KvCacheLayout.PAGE_TOKENS * layout.headDim() * Short.BYTES;
    }

    private static Pages expandedAt(Operation operation, long address, long expandedBytes, long rangeBytes) {
        long ranges = address + 2 * expandedBytes;
        boolean tokenScales = operation.keys().hasTokenScales();
        return new Pages(
                address,
                address + expandedBytes,
                ranges + 2 * rangeBytes,
                operation.sequences() * operation.maxPages(),
                tokenScales ? ranges : addressOf(operation.keys().scales()),
                tokenScales ? ranges + rangeBytes : addressOf(operation.values().scales()),
                tokenScales ? operation.parameters().layout().kvHeads() : 0,
                tokenScales ? 1 : CudaKvCacheWrite.headStride(operation.keys()));
    }

    private static long addressOf(@Nullable Matrix matrix) {
        return matrix == null ? 0 : CudaBuffer.addressOf(matrix);
    }

    private void expand(Operation operation, Pages pages, CudaStream stream) {
        int kvHeads = operation.parameters().layout().kvHeads();
        int sequences = operation.sequences();
        if (operation.keys().hasTokenScales()) {
            Kernel range = library.kernel("kv_cache_expand", "kv_cache_range");
            expansion(range, operation, pages, stream).launch(new Grid(kvHeads, sequences, 1, range.threads()));
        }
        Kernel expand = library.kernel("kv_cache_expand", "kv_cache_expand_" + operation.typeName());
        expansion(expand, operation, pages, stream)
                .launch(new Grid(operation.maxPages(), kvHeads, sequences, expand.threads()));
    }

    private static KernelCall expansion(Kernel kernel, Operation operation, Pages pages, CudaStream stream) {
        boolean tokenScales = operation.keys().hasTokenScales();
        KvCacheLayout layout = operation.parameters().layout();
        return stream.call(kernel)
                .matrix(operation.keys().numbers())
                .matrix(operation.values().numbers())
                .optional(tokenScales ? operation.keys().scales() : null)
                .optional(tokenScales ? operation.values().scales() : null)
                .matrix(operation.batch().contextLengths())
                .matrix(operation.batch().pageTable())
                .address(pages.keys())
                .address(pages.values())
                .address(pages.table())
                .address(tokenScales ? pages.keyScales() : 0)
                .address(tokenScales ? pages.valueScales() : 0)
                .number(operation.maxPages())
                .number(layout.pages())
                .number(layout.kvHeads())
                .number(layout.headDim());
    }

    private void attend(Operation operation, Pages pages, String type, CudaStream stream) {
        Parameters parameters = operation.parameters();
        KvCacheLayout layout = parameters.layout();
        Batch batch = operation.batch();
        int rowBytes = layout.headDim() * Short.BYTES;
        long rows = (long) pages.count() * layout.kvHeads() * KvCacheLayout.PAGE_TOKENS;
        KernelFile file = library.file("attention_hopper");
        Kernel kernel = file.kernel("attention_hopper_" + type + "_" + layout.headDim());
        int boxBytes = file.constant("kSlabBytes");
        int tiles = Math.multiplyExact(CudaAttention.tiles(operation, file.constant("kTileRows")), layout.kvHeads());
        stream.call(kernel)
                .boxes(pages.keys(), rowBytes, rows, boxBytes, KvCacheLayout.PAGE_TOKENS)
                .boxes(pages.values(), rowBytes, rows, boxBytes, KvCacheLayout.PAGE_TOKENS)
                .matrix(operation.q())
                .matrix(batch.queryStarts())
                .matrix(batch.contextLengths())
                .address(pages.table())
                .matrix(operation.out())
                .address(pages.keyScales())
                .address(pages.valueScales())
                .number(pages.sequenceStride())
                .number(pages.headStride())
                .number(operation.tokens())
                .number(operation.sequences())
                .number(operation.maxPages())
                .number(pages.count())
                .number(parameters.heads())
                .number(layout.kvHeads())
                .number(parameters.window())
                .number(parameters.scale())
                .number(parameters.softcap())
                .launch(new Grid(Math.min(tiles, multiprocessors), 1, 1, kernel.threads()));
    }
}
