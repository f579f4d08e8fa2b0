package io.octavo.kernels.internal.cuda.quantization;

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
import io.octavo.kernels.quantization.SecondMoments;
import org.jspecify.annotations.Nullable;

/**
 * Launches {@code second_moments.cu} on Hopper where rows are whole chunks of 16 bytes, {@code second_moments_general.cu}
 * elsewhere, {@code second_moments_squares.cu}, {@code second_moments_mirror.cu} and {@code second_moments_arrange.cu}.
 */
public final class CudaSecondMoments implements SecondMoments {

    private static final int HOPPER = 90;

    private final KernelLibrary library;
    private final DeviceMemory memory;
    private final boolean isHopper;
    private final int pairs;

    public CudaSecondMoments(KernelLibrary library, DeviceMemory memory, GpuDriver driver) {
        this.library = library;
        this.memory = memory;
        this.isHopper = driver.computeCapability() == HOPPER;
        this.pairs = driver.multiprocessors() / 2;
    }

    /**
     * How tiles are shared out among pairs of blocks.
     *
     * @param wholeTiles that a pair computes over all tokens
     * @param sharedTiles the rest
     * @param shares of each of the rest
     */
    private record Plan(int wholeTiles, int sharedTiles, int shares) {

        static Plan of(KernelFile file, long tokens, long columns, boolean whole, int pairs) {
            int tilesAcross = Math.toIntExact(Math.ceilDiv(columns, (long) file.constant("kTile")));
            int tiles =
                    Math.toIntExact(whole ? (long) tilesAcross * tilesAcross : tilesAcross * (tilesAcross + 1L) / 2);
            int left = tiles % pairs;
            long slabs = Math.ceilDiv(tokens, (long) file.constant("kSlabTokens"));
            int shares = left == 0 ? 1 : (int) Math.min(pairs / left, slabs);
            return shares < 2 ? new Plan(tiles, 0, 1) : new Plan(tiles - left, left, shares);
        }

        int items() {
            return wholeTiles + sharedTiles * shares;
        }

        long partBytes(int tile) {
            return (long) sharedTiles * shares * tile * tile * Float.BYTES;
        }
    }

    @Override
    public void accumulate(Matrix x, Matrix sums, Stream stream) {
        SecondMoments.check(x, sums);
        accumulate(new Work(x, x, sums, false), CudaStream.require(stream));
    }

    @Override
    public void accumulate(Matrix x, Matrix y, Matrix sums, Stream stream) {
        SecondMoments.check(x, y, sums);
        accumulate(new Work(x, y, sums, true), CudaStream.require(stream));
    }

    @Override
    public void accumulateGroups(Matrix x, Matrix starts, Matrix sums, Matrix counts, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        SecondMoments.checkGroups(x, starts, sums, counts);
        general(new Work(x, x, sums, false), new Groups(starts, counts), cuda);
    }

    /** Runs of rows, each with sums of its own. */
    private record Groups(Matrix starts, Matrix counts) {}

    /** @param whole or of the upper triangle */
    private record Work(Matrix x, Matrix y, Matrix sums, boolean whole) {

        boolean inChunks() {
            return x.columns() % 8 == 0 && CudaBuffer.addressOf(x) % 16 == 0 && CudaBuffer.addressOf(y) % 16 == 0;
        }
    }

    private void accumulate(Work work, CudaStream cuda) {
        Matrix x = work.x;
        if (x.rows() == 0 || x.columns() == 0) {
            return;
        }
        if (!isHopper || !work.inChunks() || CudaBuffer.addressOf(work.sums) % 16 != 0) {
            general(work, null, cuda);
            return;
        }
        KernelFile file = library.file("second_moments");
        int tile = file.constant("kTile");
        Plan plan = Plan.of(file, x.rows(), x.columns(), work.whole, pairs);
        Kernel kernel = file.kernel("second_moments");
        try (var parts = PartialSums.of("second moments", plan.partBytes(tile), memory, cuda)) {
            begin(file, kernel, work, parts, plan, cuda)
                    .launch(new Grid(2 * Math.min(pairs, plan.items()), 1, 1, kernel.threads()));
            if (plan.sharedTiles() > 0) {
                Kernel fold = file.kernel("second_moments_fold");
                begin(file, fold, work, parts, plan, cuda)
                        .launch(new Grid(plan.sharedTiles(), tile / file.constant("kFoldedRows"), 1, fold.threads()));
            }
        }
    }

    private static KernelCall begin(
            KernelFile file, Kernel kernel, Work work, PartialSums parts, Plan plan, CudaStream stream) {
        return stream.call(kernel)
                .boxes(work.x, file.constant("kSlabBytes"), file.constant("kSlabTokens"))
                .boxes(work.y, file.constant("kSlabBytes"), file.constant("kSlabTokens"))
                .matrix(work.sums)
                .address(parts.address())
                .number((int) work.x.rows())
                .number((int) work.x.columns())
                .number(plan.wholeTiles())
                .number(plan.shares())
                .number(work.whole ? 1 : 0);
    }

    private void general(Work work, @Nullable Groups groups, CudaStream stream) {
        KernelFile file = library.file("second_moments_general");
        Kernel kernel = file.kernel("second_moments_general");
        int tiles = Math.toIntExact(Math.ceilDiv(work.x.columns(), (long) file.constant("kTile")));
        stream.call(kernel)
                .matrix(work.x)
                .matrix(work.y)
                .matrix(work.sums)
                .number((int) work.x.rows())
                .number((int) work.x.columns())
                .number(work.inChunks() ? 1 : 0)
                .number(work.whole ? 1 : 0)
                .optional(groups == null ? null : groups.starts)
                .optional(groups == null ? null : groups.counts)
                .launch(new Grid(tiles, tiles, groups == null ? 1 : (int) groups.counts.columns(), kernel.threads()));
    }

    @Override
    public void squares(Matrix x, Matrix sums, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        SecondMoments.checkSquares(x, sums);
        KernelFile file = library.file("second_moments_squares");
        Kernel kernel = file.kernel("second_moments_squares");
        cuda.call(kernel)
                .matrix(x)
                .matrix(sums)
                .count(x.rows())
                .number((int) x.columns())
                .launch(Grid.of(Math.ceilDiv(x.columns(), (long) file.constant("kColumns")), kernel.threads()));
    }

    @Override
    public void mirror(Matrix sums, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        int count = SecondMoments.check(sums);
        KernelFile file = library.file("second_moments_mirror");
        Kernel kernel = file.kernel("second_moments_mirror");
        int tiles = Math.toIntExact(Math.ceilDiv(sums.columns(), (long) file.constant("kTile")));
        cuda.call(kernel)
                .matrix(sums)
                .number((int) sums.columns())
                .launch(new Grid(tiles, tiles, count, kernel.threads()));
    }

    @Override
    public void arrange(Matrix sums, @Nullable Matrix order, Matrix shares, Matrix out, Stream stream) {
        SecondMoments.checkArranged(sums, order, shares, out);
        arranged("second_moments_arrange", sums, order, shares, out, sums.columns(), stream);
    }

    @Override
    public void diagonal(Matrix sums, Matrix out, Stream stream) {
        SecondMoments.checkDiagonal(sums, out);
        arranged("second_moments_diagonal", sums, null, null, out, Math.min(sums.columns(), 1), stream);
    }

    private void arranged(
            String name,
            Matrix sums,
            @Nullable Matrix order,
            @Nullable Matrix shares,
            Matrix out,
            long rows,
            Stream stream) {
        Kernel kernel = library.file("second_moments_arrange").kernel(name);
        CudaStream.require(stream)
                .call(kernel)
                .matrix(sums)
                .optional(order)
                .optional(shares)
                .matrix(out)
                .number((int) sums.columns())
                .launch(new Grid(
                        Math.toIntExact(rows), 1, (int) (sums.rows() / Math.max(sums.columns(), 1)), kernel.threads()));
    }
}
