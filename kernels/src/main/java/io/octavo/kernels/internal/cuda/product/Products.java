package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.GpuDriver;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The ways to compute products on a device, of which each product takes the cheapest. */
public final class Products {

    private static final int HOPPER = 90;

    /** Of a grid's third dimension. */
    private static final int MOST_TILES = 65535;

    private final List<ProductKernel> kernels;

    private Products(List<ProductKernel> kernels) {
        this.kernels = List.copyOf(kernels);
    }

    public static Products of(KernelLibrary library, GpuDriver driver, DeviceMemory memory) {
        return of(
                library::file, driver.computeCapability(), driver.multiprocessors(), driver.mostSharedBytes(), memory);
    }

    /** @param mostSharedBytes that a block may have */
    static Products of(
            Function<String, KernelFile> files,
            int computeCapability,
            int multiprocessors,
            int mostSharedBytes,
            DeviceMemory memory) {
        var decode = new Decode(files.apply("decode"));
        var stream = new MatmulStream(files.apply("matmul_stream"), memory, multiprocessors, mostSharedBytes);
        List<ProductKernel> ampere = List.of(
                new MatmulNarrow(files.apply("matmul_narrow"), multiprocessors),
                stream,
                new MatmulFew(files.apply("matmul_few"), memory, multiprocessors, stream),
                new Matmul(files.apply("matmul"), computeCapability, multiprocessors),
                new MatmulGeneral(files.apply("matmul_general")));
        List<ProductKernel> known = new ArrayList<>(ampere);
        if (computeCapability == HOPPER) {
            known.add(new MatmulHopper(files.apply("matmul_hopper"), memory, multiprocessors));
            known.add(new MatmulHopperCodes(files.apply("matmul_hopper_codes"), memory, multiprocessors));
        }
        known.add(new DecodedWeight(decode, memory, new Products(known)));
        known.add(new SplitProduct(files.apply("split"), memory, new Products(known)));
        known.add(new Matvec(files.apply("matvec")));
        return new Products(known);
    }

    /** @throws IllegalArgumentException if no kernel takes it */
    ProductKernel choose(Shape shape) {
        @Nullable ProductKernel best = null;
        double least = Double.POSITIVE_INFINITY;
        for (ProductKernel kernel : kernels) {
            if (kernel.takes(shape) && kernel.cost(shape) < least) {
                best = kernel;
                least = kernel.cost(shape);
            }
        }
        if (best == null) {
            throw new IllegalArgumentException("no kernel multiplies " + shape.aType() + " by " + shape.wType()
                    + " in rows of " + shape.k() + " numbers and groups of " + shape.groupColumns());
        }
        return best;
    }

    /** Most tiles of at most {@code tileRows} rows that {@code rows} in groups are cut into. */
    static int tiles(int rows, int groups, int tileRows) {
        int occupied = Math.min(rows, groups);
        return occupied + (rows - occupied) / tileRows;
    }

    /**
     * One launch for all groups, if a kernel has one for them.
     *
     * @param all the first group's product, with the bounds of all
     * @param table as {@link Product.Groups#table}
     */
    boolean launchGroups(Product all, LongSupplier table, int groups, CudaStream stream) {
        Shape shape = all.shape();
        @Nullable ProductKernel best = null;
        int bestRows = 0;
        double least = Double.POSITIVE_INFINITY;
        for (ProductKernel kernel : kernels) {
            for (int rows : kernel.groupTiles()) {
                Shape tile = shape.withRows(rows);
                int tiles = tiles(shape.m(), groups, rows);
                if (tiles <= MOST_TILES && kernel.takes(tile) && kernel.cost(tile) * tiles < least) {
                    best = kernel;
                    bestRows = rows;
                    least = kernel.cost(tile) * tiles;
                }
            }
        }
        if (best == null) {
            return false;
        }
        var weights = new Product.Groups(table.getAsLong(), groups, bestRows);
        best.launch(new Product(all.a(), all.w(), all.out(), all.bounds(), weights), stream);
        return true;
    }

    /** Products of the same activations, several in a launch where a kernel takes them so. */
    void launch(List<Product> beside, CudaStream stream) {
        int from = 0;
        for (int to = 1; to <= beside.size(); to++) {
            if (to == beside.size() || !areBeside(beside.subList(from, to + 1))) {
                launchOnce(beside.subList(from, to), stream);
                from = to;
            }
        }
    }

    private void launchOnce(List<Product> beside, CudaStream stream) {
        if (beside.size() == 1) {
            launch(beside.getFirst(), stream);
        } else {
            choose(beside.getFirst().shape()).launch(beside, stream);
        }
    }

    private boolean areBeside(List<Product> products) {
        Product first = products.getFirst();
        Product last = products.getLast();
        return first.shape().m() > 0
                && first.shape().n() > 0
                && last.shape().n() > 0
                && last.w().isLike(first.w())
                && last.shape().withColumns(first.shape().n()).equals(first.shape())
                && choose(first.shape()).mostBeside() >= products.size();
    }

    void launch(Product product, CudaStream stream) {
        Shape shape = product.shape();
        if (shape.m() > 0 && shape.n() > 0) {
            choose(shape).launch(product, stream);
        }
    }
}
