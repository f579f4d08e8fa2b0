package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.number.DType;
import java.util.List;

/** Operands of one type, on tensor cores of every kind of GPU that have that type. */
final class Matmul implements ProductKernel {

    /** The first compute capability whose tensor cores take 8-bit floats. */
    private static final int FLOAT8 = 89;

    /** Rows that are multiplied while a byte of the weight is read; sums of 8-bit floats go on elsewhere after each slab. */
    private static final double ROWS = 256;

    private static final double FLOAT8_ROWS = 64;

    private final KernelFile file;
    private final int computeCapability;
    private final int multiprocessors;

    Matmul(KernelFile file, int computeCapability, int multiprocessors) {
        this.file = file;
        this.computeCapability = computeCapability;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public boolean takes(Shape s) {
        boolean known = switch (s.aType()) {
            case BF16, I8 -> true;
            case F8_E4M3 -> computeCapability >= FLOAT8;
            default -> false;
        };
        return known && s.hasOneType() && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * (2 + s.m() / (s.aType() == DType.F8_E4M3 ? FLOAT8_ROWS : ROWS));
    }

    /** As the kernels have it in their names. */
    private enum Tile {
        HUGE("Huge"),
        LARGE("Large"),
        MEDIUM("Medium"),
        FLAT("Flat");

        final String title;

        Tile(String title) {
            this.title = title;
        }
    }

    /** The largest tile of which the output has enough to give every multiprocessor one. */
    private Tile tile(Shape s) {
        if (s.bounded()) {
            return Tile.MEDIUM;
        }
        if (s.m() <= rows(Tile.FLAT)) {
            return Tile.FLAT;
        }
        if (s.aType() != DType.F8_E4M3 && count(Tile.HUGE, s) >= multiprocessors) {
            return Tile.HUGE;
        }
        return count(Tile.LARGE, s) >= multiprocessors ? Tile.LARGE : Tile.MEDIUM;
    }

    private int rows(Tile tile) {
        return file.constant("k" + tile.title + "Rows");
    }

    private long count(Tile tile, Shape s) {
        int columns = file.constant("k" + tile.title + "Columns");
        return Math.ceilDiv(s.m(), (long) rows(tile)) * Math.ceilDiv(s.n(), (long) columns);
    }

    @Override
    public List<Integer> groupTiles() {
        return List.of(rows(Tile.MEDIUM));
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.tileShape();
        Tile tile = tile(s);
        var kernel =
                file.kernel((!s.bounded() ? "matmul_" : "matmul_group_") + Weight.nameOf(s.aType()) + "_" + tile.title);
        stream.call(kernel)
                .matrix(p.a().codes())
                .optional(p.a().scales())
                .matrix(p.w().codes())
                .optional(p.w().scales())
                .matrix(p.out())
                .optional(p.bounds())
                .address(p.table())
                .number(p.weightCount())
                .number(p.shape().m())
                .number(s.n())
                .number(s.k() * s.aType().bytes())
                .type(Scales.type(p.a().scales()))
                .type(p.w().scaleType())
                .number(Scales.perRow(p.a().scales()))
                .number(p.w().scalePerRow())
                .launch(new Grid(Math.toIntExact(count(tile, s)), 1, p.tiles(), kernel.threads()));
    }
}
