package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Attention;
import io.octavo.kernels.DType;
import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.KvCacheLayout;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code attention_flash.cu} for bf16 caches of common head sizes, {@code attention_general.cu} for all else. */
final class CudaAttention implements Attention {

    /** {@code kThreads} and {@code kThreads * kMostDims} of {@code attention_general.cu}. */
    private static final int THREADS = 128;

    private static final int MOST_HEAD_DIM = 512;

    /** Rows of a tile of {@code attention_flash.cu}. */
    private static final int PREFILL_ROWS = 64;

    private static final int DECODE_ROWS = 16;

    /** Pages of a context that a block goes through when decoding, at least. */
    private static final int LEAST_SPLIT_PAGES = 4;

    private static final int MOST_SPLITS = 32;

    private final KernelLibrary library;
    private final DeviceMemory memory;

    CudaAttention(KernelLibrary library, DeviceMemory memory) {
        this.library = library;
        this.memory = memory;
    }

    private record Operation(Matrix q, Matrix keys, Matrix values, Batch batch, Parameters parameters, Matrix out) {

        int tokens() {
            return (int) q.rows();
        }

        int sequences() {
            return (int) batch.contextLengths().columns();
        }

        int maxPages() {
            return (int) batch.pageTable().columns();
        }

        int headDim() {
            return parameters.layout().headDim();
        }

        /** Query heads that share a key-value head. */
        int group() {
            return parameters.heads() / parameters.layout().kvHeads();
        }

        boolean fitsTensorCores() {
            return keys.dtype() == DType.BF16
                    && (headDim() == 64 || headDim() == 128)
                    && maxPages() > 0
                    && isAligned(keys, 16)
                    && isAligned(values, 16)
                    && isAligned(q, 8)
                    && isAligned(out, 8);
        }

        private static boolean isAligned(Matrix matrix, int bytes) {
            return CudaBuffer.addressOf(matrix) % bytes == 0;
        }
    }

    @Override
    public void attend(
            Matrix q, Matrix keys, Matrix values, Batch batch, Parameters parameters, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkAttention(q, keys, values, batch, parameters, out);
        var operation = new Operation(q, keys, values, batch, parameters, out);
        if (!operation.fitsTensorCores()) {
            general(operation, cuda);
        } else if ((long) operation.tokens() * operation.group() <= (long) DECODE_ROWS * operation.sequences()) {
            decode(operation, cuda);
        } else {
            flash("prefill", PREFILL_ROWS, operation, operation.maxPages(), 1, 0, cuda);
        }
    }

    private void decode(Operation operation, CudaStream stream) {
        int splitPages = Math.max(LEAST_SPLIT_PAGES, Math.ceilDiv(operation.maxPages(), MOST_SPLITS));
        int splits = Math.ceilDiv(operation.maxPages(), splitPages);
        if (splits == 1) {
            flash("decode", DECODE_ROWS, operation, splitPages, 1, 0, stream);
            return;
        }
        long rows = (long) splits * operation.tokens() * operation.parameters().heads();
        long bytes = Matrix.bytes(DType.F32, rows, operation.headDim() + 2);
        try (DeviceBuffer scratch = memory.scratch("attention", bytes, stream)) {
            long parts = CudaBuffer.addressOf(Matrix.of(scratch, DType.F32, rows, operation.headDim()));
            flash("decode", DECODE_ROWS, operation, splitPages, splits, parts, stream);
            begin("combine", 0, operation, splitPages, splits, parts, stream)
                    .launch(new Grid(operation.tokens(), operation.parameters().heads(), 1, operation.headDim()));
        }
    }

    private void flash(
            String kind, int tileRows, Operation operation, int splitPages, int splits, long parts, CudaStream stream) {
        long rows = (long) operation.tokens() * operation.group();
        int tiles = Math.toIntExact(Math.ceilDiv(rows, (long) tileRows) + operation.sequences());
        int pageBytes = KvCacheLayout.PAGE_TOKENS * operation.headDim() * DType.BF16.bytes();
        begin(kind, 4 * pageBytes, operation, splitPages, splits, parts, stream)
                .launch(new Grid(tiles, operation.parameters().layout().kvHeads(), splits, THREADS));
    }

    private KernelCall begin(
            String kind,
            int sharedBytes,
            Operation operation,
            int splitPages,
            int splits,
            long parts,
            CudaStream stream) {
        Parameters parameters = operation.parameters();
        Batch batch = operation.batch();
        long partRows = (long) splits * operation.tokens() * parameters.heads();
        String name = "attention_flash_" + kind + "_" + operation.headDim();
        return stream.call(library.kernel("attention_flash", name, sharedBytes))
                .matrix(operation.q())
                .matrix(operation.keys())
                .matrix(operation.values())
                .matrix(batch.queryStarts())
                .matrix(batch.contextLengths())
                .matrix(batch.pageTable())
                .matrix(operation.out())
                .address(parts)
                .address(parts + Matrix.bytes(DType.F32, partRows, operation.headDim()))
                .number(operation.tokens())
                .number(operation.sequences())
                .number(operation.maxPages())
                .number(parameters.layout().pages())
                .number(parameters.heads())
                .number(parameters.layout().kvHeads())
                .number(parameters.window())
                .number(splits)
                .number(splitPages)
                .number(parameters.scale())
                .number(parameters.softcap());
    }

    private void general(Operation operation, CudaStream stream) {
        Parameters parameters = operation.parameters();
        Batch batch = operation.batch();
        if (operation.headDim() > MOST_HEAD_DIM) {
            throw new IllegalArgumentException(
                    "headDim " + operation.headDim() + " is more than the " + MOST_HEAD_DIM + " that kernels take");
        }
        int sharedBytes = MOST_HEAD_DIM * Float.BYTES;
        stream.call(library.kernel("attention_general", "attention_general", sharedBytes))
                .matrix(operation.q())
                .matrix(operation.keys())
                .matrix(operation.values())
                .matrix(batch.queryStarts())
                .matrix(batch.contextLengths())
                .matrix(batch.pageTable())
                .matrix(operation.out())
                .number(operation.sequences())
                .number(operation.maxPages())
                .number(parameters.layout().pages())
                .number(parameters.heads())
                .number(parameters.layout().kvHeads())
                .number(operation.headDim())
                .number(parameters.window())
                .number(parameters.scale())
                .number(parameters.softcap())
                .type(operation.keys().dtype())
                .launch(new Grid(operation.tokens(), parameters.heads(), 1, THREADS));
    }
}
