package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.number.DType;
import java.util.Comparator;
import java.util.List;

/**
 * How one of Hopper's kernels shares out a product.
 *
 * @param tile as the kernel has it in its name
 * @param rows of {@code out} that a block computes at a time
 * @param columns likewise
 * @param cluster blocks above or beside each other that are a worker
 * @param tiles of {@code out}, each of all blocks of a worker
 * @param workers beside each other
 * @param slices of k, each for workers of its own
 * @param clocks that it takes, about
 */
record HopperPlan(String tile, int rows, int columns, int cluster, int tiles, int workers, int slices, double clocks) {

    /** Fewer slabs of k do not fill a ring. */
    private static final int LEAST_SLICE_SLABS = 4;

    /** Clocks in which a block stores a number of its tile, and writes or reads one of a slice. */
    private static final double STORE_CLOCKS = 0.12;

    private static final double PART_CLOCKS = 0.1;

    /**
     * The fastest of several tiles.
     *
     * @param beside whether blocks of a worker lie beside each other, not above
     * @param weights the columns of {@code out} that each of some weights makes
     * @param slabs of k
     */
    static HopperPlan fastest(
            KernelFile file,
            List<String> tiles,
            boolean beside,
            int m,
            List<Integer> weights,
            int slabs,
            int multiprocessors) {
        return tiles.stream()
                .map(tile -> of(file, tile, beside, m, weights, slabs, multiprocessors))
                .min(Comparator.comparingDouble(HopperPlan::clocks))
                .orElseThrow();
    }

    private static HopperPlan of(
            KernelFile file,
            String tile,
            boolean beside,
            int m,
            List<Integer> weights,
            int slabs,
            int multiprocessors) {
        int rows = file.constant("k" + tile + "Rows");
        int columns = file.constant("k" + tile + "Columns");
        int cluster = file.constant("k" + tile + "Cluster");
        int across = weights.stream()
                .mapToInt(n -> Math.ceilDiv(n, columns * (beside ? cluster : 1)))
                .sum();
        int tiles = Math.ceilDiv(m, rows * (beside ? 1 : cluster)) * across;
        int most = multiprocessors / cluster;
        int slices = Math.clamp(most / tiles, 1, Math.max(slabs / LEAST_SLICE_SLABS, 1));
        double numbers = (double) rows * columns;
        double slabClocks = (double) Math.ceilDiv(slabs, slices) * file.constant("k" + tile + "Clocks");
        double partClocks = slices == 1 ? 0 : (1 + slices) * PART_CLOCKS * numbers;
        double clocks = Math.ceilDiv(tiles, most) * (slabClocks + STORE_CLOCKS * numbers) + partClocks;
        return new HopperPlan(tile, rows, columns, cluster, tiles, Math.min(tiles, most), slices, clocks);
    }

    /** What slices leave for each other. */
    long partBytes() {
        return slices == 1 ? 0 : (long) tiles * cluster * slices * rows * columns * DType.F32.bytes();
    }

    /** One each of a tile's blocks and slices. */
    int tickets() {
        return slices == 1 ? 0 : tiles * cluster * slices;
    }

    Grid grid(int threads) {
        return new Grid(workers * cluster, slices, 1, threads);
    }
}
