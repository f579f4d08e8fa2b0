package io.octavo.kernels.internal.cuda.attention;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.GpuDriver;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelCall;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Launches {@code attention_decode.cu} and {@code attention_prefill.cu} for caches of 16 and 8 bits and common head sizes,
 * on Hopper {@link HopperPrefill} in place of the latter, {@code attention_general.cu} for all else.
 */
public final class CudaAttention implements Attention {

    /** Up to how many rows a sequence has, on average, where memory is still the limit. */
    private static final int MOST_DECODE_ROWS = 16;

    private static final int MOST_SPLITS = 32;

    /** Decoding blocks that keep a multiprocessor's share of memory busy. */
    private static final int BUSY_BLOCKS = 2;

    /** What a decoding block costs before and after its pages, and a split costs the kernel that combines, in pages. */
    private static final double BLOCK_COST = 1.5;

    private static final double SPLIT_COST = 0.15;

    /** And what the launch of that kernel costs. */
    private static final double COMBINE_COST = 4;

    private final KernelLibrary library;
    private final DeviceMemory memory;
    private final int multiprocessors;
    private final @Nullable HopperPrefill hopper;

    public CudaAttention(KernelLibrary library, DeviceMemory memory, GpuDriver driver) {
        this.library = library;
        this.memory = memory;
        this.multiprocessors = driver.multiprocessors();
        boolean isHopper = driver.computeCapability() == HopperPrefill.COMPUTE_CAPABILITY;
        this.hopper = isHopper ? new HopperPrefill(library, memory, multiprocessors) : null;
    }

    /** @param halves receives the result in BF16, in place of {@code out}; null for none */
    record Operation(
            Matrix q,
            KvCacheTensor keys,
            KvCacheTensor values,
            Batch batch,
            Parameters parameters,
            Matrix out,
            @Nullable Matrix halves) {

        static Operation of(Arguments arguments, @Nullable Matrix halves) {
            return new Operation(
                    arguments.q(),
                    arguments.keys(),
                    arguments.values(),
                    arguments.batch(),
                    arguments.parameters(),
                    arguments.out(),
                    halves);
        }

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

        DType cacheType() {
            return keys.numbers().dtype();
        }

        /** Query heads that share a key-value head. */
        int group() {
            return parameters.heads() / parameters.layout().kvHeads();
        }

        boolean fitsTensorCores() {
            return cacheType() != DType.F32
                    && (headDim() == 64 || headDim() == 128)
                    && maxPages() > 0
                    && isAligned(keys)
                    && isAligned(values)
                    && isAligned(q)
                    && isAligned(out);
        }

        /** Whether memory is the limit. */
        boolean isDecoding() {
            return fitsTensorCores() && (long) tokens() * group() <= (long) MOST_DECODE_ROWS * sequences();
        }

        private static boolean isAligned(KvCacheTensor tensor) {
            Matrix scales = tensor.scales();
            return isAligned(tensor.numbers()) && (scales == null || !tensor.hasTokenScales() || isAligned(scales));
        }

        private static boolean isAligned(Matrix matrix) {
            return CudaBuffer.addressOf(matrix) % 16 == 0;
        }

        String kernel(String kind) {
            return "attention_" + kind + "_" + typeName();
        }

        String typeName() {
            return cacheType().name().toLowerCase(Locale.ROOT);
        }
    }

    @Override
    public void attend(Arguments arguments, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operation operation = Operation.of(arguments, null);
        if (!operation.fitsTensorCores()) {
            general(operation, cuda);
        } else if (operation.isDecoding()) {
            decode(operation, cuda);
        } else if (hopper != null && hopper.takes(operation)) {
            hopper.launch(operation, cuda);
        } else {
            prefill(operation, cuda);
        }
    }

    /**
     * Attends with the result rounded to BF16, where one kernel does both; else does nothing.
     *
     * @return whether it did
     */
    public boolean attendsRounded(Arguments arguments, Matrix rounded, Stream stream) {
        Operation operation = Operation.of(arguments, rounded);
        if (!operation.isDecoding()) {
            return false;
        }
        decode(operation, CudaStream.require(stream));
        return true;
    }

    private void prefill(Operation operation, CudaStream stream) {
        KernelFile file = library.file("attention_prefill");
        Kernel kernel = file.kernel(operation.kernel("prefill") + "_" + operation.headDim());
        begin(kernel, operation, operation.maxPages(), 1, 0, stream)
                .launch(new Grid(
                        operation.parameters().layout().kvHeads(),
                        tiles(operation, file.constant("kTileRows")),
                        1,
                        kernel.threads()));
    }

    private void decode(Operation operation, CudaStream stream) {
        KernelFile file = library.file("attention_decode");
        int tiles = tiles(operation, file.constant("kTileRows"));
        int kvHeads = operation.parameters().layout().kvHeads();
        int splitPages = splitPages(operation, (long) tiles * kvHeads);
        int splits = Math.ceilDiv(operation.maxPages(), splitPages);
        boolean isFew = (long) tiles * kvHeads * splits <= multiprocessors && hasFew(operation);
        Kernel kernel = file.kernel(operation.kernel(isFew ? "decode_few" : "decode") + "_" + operation.headDim());
        Grid grid = new Grid(tiles, kvHeads, splits, kernel.threads());
        if (splits == 1) {
            begin(kernel, operation, splitPages, 1, 0, stream).launch(grid);
            return;
        }
        long rows = (long) splits * operation.tokens() * operation.parameters().heads();
        long bytes = Matrix.bytes(DType.F32, rows, operation.headDim() + 2);
        try (var parts = PartialSums.of("attention", bytes, memory, stream)) {
            begin(kernel, operation, splitPages, splits, parts.address(), stream)
                    .launch(grid);
            Kernel combine = file.kernel("attention_combine_" + operation.headDim());
            begin(combine, operation, splitPages, splits, parts.address(), stream)
                    .launch(new Grid(operation.tokens(), operation.parameters().heads(), 1, operation.headDim()));
        }
    }

    /** Whether there is a kernel for few blocks, each of which gets a multiprocessor's memory to itself. */
    private boolean hasFew(Operation operation) {
        return hopper != null && operation.cacheType() == DType.BF16 && operation.headDim() == 128;
    }

    /**
     * Pages of a context that a block goes through, so that multiprocessors are busy with few rounds of blocks. It follows
     * from shapes alone: what lengths the device holds changes nothing.
     */
    private int splitPages(Operation operation, long blocks) {
        long slots = (long) multiprocessors * BUSY_BLOCKS;
        int best = operation.maxPages();
        double least = Double.POSITIVE_INFINITY;
        for (int splits = 1; splits <= Math.min(MOST_SPLITS, operation.maxPages()); splits++) {
            int pages = Math.ceilDiv(operation.maxPages(), splits);
            double cost = Math.ceilDiv(blocks * splits, slots) * (pages + BLOCK_COST) + splits * SPLIT_COST;
            if (splits > 1) {
                cost += COMBINE_COST;
            }
            if (cost < least) {
                least = cost;
                best = pages;
            }
        }
        return best;
    }

    /** At most so many, however the device's lengths share out the tokens among sequences. */
    static int tiles(Operation operation, int tileRows) {
        long rows = (long) operation.tokens() * operation.group();
        long begun = Math.ceilDiv(rows, (long) tileRows) + operation.sequences();
        long ofTokens = (long) operation.tokens() * Math.ceilDiv(operation.group(), tileRows);
        return Math.toIntExact(Math.min(begun, ofTokens));
    }

    private static KernelCall begin(
            Kernel kernel, Operation operation, int splitPages, int splits, long parts, CudaStream stream) {
        Parameters parameters = operation.parameters();
        long partRows = (long) splits * operation.tokens() * parameters.heads();
        KernelCall call = operands(kernel, operation, stream)
                .optional(operation.halves())
                .address(parts)
                .address(parts + Matrix.bytes(DType.F32, partRows, operation.headDim()));
        return scales(call, operation)
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

    /** What every kernel takes first. */
    private static KernelCall operands(Kernel kernel, Operation operation, CudaStream stream) {
        Batch batch = operation.batch();
        return stream.call(kernel)
                .matrix(operation.q())
                .matrix(operation.keys().numbers())
                .matrix(operation.values().numbers())
                .matrix(batch.queryStarts())
                .matrix(batch.contextLengths())
                .matrix(batch.pageTable())
                .matrix(operation.out());
    }

    private static KernelCall scales(KernelCall call, Operation operation) {
        return call.optional(operation.keys().scales())
                .optional(operation.values().scales())
                .number(CudaKvCacheWrite.headStride(operation.keys()))
                .number(CudaKvCacheWrite.headStride(operation.values()))
                .number(CudaKvCacheWrite.tokenStride(operation.keys()));
    }

    private void general(Operation operation, CudaStream stream) {
        Parameters parameters = operation.parameters();
        KernelFile file = library.file("attention_general");
        int most = file.constant("kMostHeadDim");
        if (operation.headDim() > most) {
            throw new IllegalArgumentException(
                    "headDim " + operation.headDim() + " is more than the " + most + " that kernels take");
        }
        Kernel kernel = file.kernel(operation.kernel("general"));
        KernelCall call = operands(kernel, operation, stream)
                .number(operation.sequences())
                .number(operation.maxPages())
                .number(parameters.layout().pages())
                .number(parameters.heads())
                .number(parameters.layout().kvHeads())
                .number(operation.headDim())
                .number(parameters.window())
                .number(parameters.scale())
                .number(parameters.softcap());
        scales(call, operation).launch(new Grid(operation.tokens(), parameters.heads(), 1, kernel.threads()));
    }
}
