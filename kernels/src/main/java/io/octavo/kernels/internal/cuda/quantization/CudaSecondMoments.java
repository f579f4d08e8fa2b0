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
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.quantization.SecondMoments;

/**
 * Launches {@code second_moments.cu} on Hopper where rows are whole chunks of 16 bytes, {@code second_moments_general.cu}
 * elsewhere, and {@code second_moments_mirror.cu}.
 */
public final class CudaSecondMoments implements SecondMoments {

    private static final int HOPPER = 90;

    /** As {@code second_moments.cu} has them; two blocks compute a tile. */
    private static final int TILE = 256;

    private static final int THREADS = 384;
    private static final int SLAB_TOKENS = 64;
    private static final int BOX_BYTES = 128;
    private static final int STAGES = 4;
    private static final int STAGE_BYTES = (TILE / 2 + TILE) * SLAB_TOKENS * Short.BYTES;
    private static final int SWIZZLE_BYTES = 1024;
    private static final int FOLDED_ROWS = 4;

    private static final int GENERAL_TILE = 64;
    private static final int GENERAL_THREADS = 128;
    private static final int MIRROR_TILE = 32;
    private static final int MIRROR_THREADS = 256;

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

        static Plan of(long tokens, long columns, int pairs) {
            int tilesAcross = Math.toIntExact(Math.ceilDiv(columns, (long) TILE));
            int tiles = Math.toIntExact(tilesAcross * (tilesAcross + 1L) / 2);
            int left = tiles % pairs;
            long slabs = Math.ceilDiv(tokens, (long) SLAB_TOKENS);
            int shares = left == 0 ? 1 : (int) Math.min(pairs / left, slabs);
            return shares < 2 ? new Plan(tiles, 0, 1) : new Plan(tiles - left, left, shares);
        }

        int items() {
            return wholeTiles + sharedTiles * shares;
        }

        long partBytes() {
            return (long) sharedTiles * shares * TILE * TILE * Float.BYTES;
        }
    }

    @Override
    public void accumulate(Matrix x, Matrix sums, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        SecondMoments.check(x, sums);
        if (x.rows() == 0 || x.columns() == 0) {
            return;
        }
        boolean inChunks = x.columns() % 8 == 0 && CudaBuffer.addressOf(x) % 16 == 0;
        if (!isHopper || !inChunks || CudaBuffer.addressOf(sums) % 16 != 0) {
            general(x, sums, inChunks, cuda);
            return;
        }
        Plan plan = Plan.of(x.rows(), x.columns(), pairs);
        Kernel kernel = library.kernel("second_moments", "second_moments", STAGES * STAGE_BYTES + SWIZZLE_BYTES);
        try (var parts = PartialSums.of("second moments", plan.partBytes(), memory, cuda)) {
            begin(kernel, x, sums, parts, plan, cuda)
                    .launch(new Grid(2 * Math.min(pairs, plan.items()), 1, 1, THREADS));
            if (plan.sharedTiles() > 0) {
                begin(library.kernel("second_moments", "second_moments_fold"), x, sums, parts, plan, cuda)
                        .launch(new Grid(plan.sharedTiles(), TILE / FOLDED_ROWS, 1, TILE));
            }
        }
    }

    private static KernelCall begin(
            Kernel kernel, Matrix x, Matrix sums, PartialSums parts, Plan plan, CudaStream stream) {
        return stream.call(kernel)
                .boxes(x, BOX_BYTES, SLAB_TOKENS)
                .matrix(sums)
                .address(parts.address())
                .number((int) x.rows())
                .number((int) x.columns())
                .number(plan.wholeTiles())
                .number(plan.shares());
    }

    private void general(Matrix x, Matrix sums, boolean inChunks, CudaStream stream) {
        int tiles = Math.toIntExact(Math.ceilDiv(x.columns(), (long) GENERAL_TILE));
        stream.call(library.kernel("second_moments_general", "second_moments_general"))
                .matrix(x)
                .matrix(sums)
                .number((int) x.rows())
                .number((int) x.columns())
                .number(inChunks ? 1 : 0)
                .launch(new Grid(tiles, tiles, 1, GENERAL_THREADS));
    }

    @Override
    public void mirror(Matrix sums, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        SecondMoments.check(sums);
        int tiles = Math.toIntExact(Math.ceilDiv(sums.columns(), (long) MIRROR_TILE));
        cuda.call(library.kernel("second_moments_mirror", "second_moments_mirror"))
                .matrix(sums)
                .number((int) sums.columns())
                .launch(new Grid(tiles, tiles, 1, MIRROR_THREADS));
    }
}
