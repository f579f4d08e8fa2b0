package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.quantization.ScaleSearch;

/** Launches {@code scale_search.cu}: a warp for each small tile of one row, a block for each other. */
public final class CudaScaleSearch implements ScaleSearch {

    private static final int WARP = 32;

    /** Most blocks below each other in a launch. */
    private static final int MOST_ROWS = 65_535;

    private final KernelLibrary library;

    public CudaScaleSearch(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void search(Arguments a, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        KernelFile file = library.file("scale_search");
        long width = Math.min(a.tile().columns(), a.weights().columns());
        boolean byLanes = a.tile().rows() == 1 && width <= file.constant("kMostColumns");
        String codes = CudaGptqSweep.codesOf(a.format());
        Kernel search = file.kernel("scale_search_" + (byLanes ? "lanes_" : "blocks_") + codes);
        long tiles = a.scales().elements();
        launch(
                a,
                search,
                byLanes
                        ? Grid.of(Math.ceilDiv(tiles, search.threads() / WARP), search.threads())
                        : Grid.of(tiles, search.threads()),
                cuda);
        if (a.codes() != null) {
            Kernel round = file.kernel("scale_search_codes_" + codes);
            int across = Math.toIntExact(Math.ceilDiv(a.codes().columns(), (long) round.threads()));
            int rows = (int) a.weights().rows();
            int below = Math.min(rows, MOST_ROWS);
            launch(a, round, new Grid(across, below, Math.ceilDiv(rows, Math.max(below, 1)), round.threads()), cuda);
        }
    }

    private static void launch(Arguments a, Kernel kernel, Grid grid, CudaStream cuda) {
        Reach reach = a.reach() == null ? new Reach(0, 0, 1, 1) : a.reach();
        cuda.call(kernel)
                .matrix(a.weights())
                .matrix(a.importance())
                .matrix(a.scales())
                .optional(a.zeroPoints())
                .optional(a.codes())
                .count(a.scales().elements())
                .number((int) a.weights().rows())
                .number((int) Math.max(a.weights().rows() / Math.max(a.inputs(), 1), 1))
                .number((int) a.weights().columns())
                .number((int) a.scales().columns())
                .number((int) Math.min(a.tile().rows(), Integer.MAX_VALUE))
                .number((int) Math.min(a.tile().columns(), a.weights().columns()))
                .number(a.reach() == null ? 0 : 1)
                .number(reach.below())
                .number(reach.above())
                .number(reach.stride())
                .number(reach.finest())
                .number(a.absmax())
                .number(a.codeDivisor())
                .number(a.divisor())
                .type(a.weights().dtype())
                .number(a.format().id())
                .number(a.scaleFormat().id())
                .launch(grid);
    }
}
