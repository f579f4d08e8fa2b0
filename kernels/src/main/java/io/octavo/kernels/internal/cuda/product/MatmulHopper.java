package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.KernelCall;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import java.util.List;

/** Operands of one type, BF16, E4M3 or INT8, on Hopper's own tensor-core instructions. */
final class MatmulHopper implements ProductKernel {

    private static final List<String> TILES = List.of("Slim", "Flat", "Square", "Tall", "Wide", "Pair");

    /** Those of 64 rows, which several weights may share. */
    private static final List<String> FEW_ROWS = List.of("Slim", "Flat");

    /** Of BF16: fewer are {@link MatmulNarrow}'s. */
    private static final int LEAST_ROWS = 17;

    /** Rows that are multiplied while a byte of the weight is read. */
    private static final double ROWS = 2048;

    private final KernelFile file;
    private final DeviceMemory memory;
    private final int multiprocessors;

    MatmulHopper(KernelFile file, DeviceMemory memory, int multiprocessors) {
        this.file = file;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public boolean takes(Shape s) {
        boolean known = switch (s.aType()) {
            case BF16 -> s.m() >= LEAST_ROWS;
            case F8_E4M3, I8 -> true;
            default -> false;
        };
        return known && !s.bounded() && s.hasOneType() && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * (1 + s.m() / ROWS);
    }

    HopperPlan plan(Shape s) {
        return plan(s, TILES, List.of(s.n()));
    }

    private HopperPlan plan(Shape s, List<String> tiles, List<Integer> columns) {
        int slabs = Math.ceilDiv(s.k() * s.aType().bytes(), file.constant("kSlabBytes"));
        return HopperPlan.fastest(file, tiles, false, s.m(), columns, slabs, multiprocessors);
    }

    @Override
    public int mostBeside() {
        return file.constant("kMostWeights");
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        launch(plan(p.shape()), List.of(p), stream);
    }

    /** At once where a tile has all rows: more rows keep the device busy for long enough. */
    @Override
    public void launch(List<Product> beside, CudaStream stream) {
        Shape s = beside.getFirst().shape();
        if (s.m() > file.constant("kSlimRows")) {
            beside.forEach(product -> launch(product, stream));
        } else {
            launch(plan(s, FEW_ROWS, columns(beside)), beside, stream);
        }
    }

    private static List<Integer> columns(List<Product> beside) {
        return beside.stream().map(product -> product.shape().n()).toList();
    }

    private void launch(HopperPlan plan, List<Product> beside, CudaStream stream) {
        Product p = beside.getFirst();
        Shape s = p.shape();
        int slabBytes = file.constant("kSlabBytes");
        int boxRows = plan.columns() / plan.cluster();
        int most = mostBeside();
        var kernel = file.kernel("matmul_hopper_" + p.w().type() + "_" + plan.tile());
        try (var parts = PartialSums.of("slices of a product", plan.partBytes(), memory, stream)) {
            KernelCall call = stream.call(kernel).boxes(p.a().codes(), slabBytes, plan.rows());
            for (int i = 0; i < most; i++) {
                call.boxes(beside.get(Math.min(i, beside.size() - 1)).w().codes(), slabBytes, boxRows);
            }
            call.optional(p.a().scales())
                    .addresses(
                            most,
                            CudaBuffer.addressesOf(beside, each -> each.w().scales()))
                    .addresses(most, CudaBuffer.addressesOf(beside, Product::out))
                    .numbers(most, columns(beside))
                    .address(parts.address())
                    .address(stream.tickets(plan.tickets()))
                    .number(s.m())
                    .number(s.k() * s.aType().bytes())
                    .type(Scales.type(p.a().scales()))
                    .type(p.w().scaleType())
                    .number(Scales.perRow(p.a().scales()))
                    .number(p.w().scalePerRow())
                    .launch(plan.grid(kernel.threads()));
        }
    }
}
