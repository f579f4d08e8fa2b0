package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.CodeRefinement;

/** Launches {@code code_refinement.cu}, sweep by sweep; rows that are done cost a look at how many are not. */
public final class CudaCodeRefinement implements CodeRefinement {

    private static final String OWNER = "code refinement";

    /** Numbers in 16 bytes. */
    private static final int CHUNK = 4;

    private final KernelLibrary library;
    private final DeviceMemory memory;

    public CudaCodeRefinement(KernelLibrary library, DeviceMemory memory) {
        this.library = library;
        this.memory = memory;
    }

    @Override
    public void refine(Arguments a, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        KernelFile file = library.file("code_refinement");
        var shape = new Shape(a, file.constant("kBlock"), file.constant("kSide"));
        boolean sums = a.mostSweeps() > 0 && a.refinesScales() && shape.wide;
        boolean bytes = a.format().bits() < Byte.SIZE;
        try (CudaBuffer unpacked = memory.scratch(OWNER, bytes ? a.weights().elements() : 0, cuda);
                CudaBuffer gradients =
                        memory.scratch(OWNER, Matrix.bytes(DType.F32, shape.allRows, shape.pitch), cuda);
                CudaBuffer products =
                        memory.scratch(OWNER, sums ? Matrix.bytes(DType.F32, shape.allRows, shape.pitch) : 0, cuda);
                CudaBuffer changes = memory.scratch(
                        OWNER, Matrix.bytes(DType.F32, shape.inputs * shape.changeColumns, shape.changeRows), cuda);
                CudaBuffer rows = memory.scratch(OWNER, Matrix.bytes(DType.F32, 4, shape.allRows), cuda)) {
            var buffers = new Buffers(
                    bytes ? Matrix.of(unpacked, DType.U8, shape.allRows, shape.columns) : a.codes(),
                    Matrix.of(gradients, DType.F32, shape.allRows, shape.pitch),
                    Matrix.of(sums ? products : gradients, DType.F32, shape.allRows, shape.pitch),
                    Matrix.of(changes, DType.F32, shape.inputs * shape.changeColumns, shape.changeRows),
                    Matrix.of(rows, DType.F32, 4, shape.allRows));
            new Launcher(a, shape, buffers, file, cuda).run();
        }
    }

    /** Sizes of what is worked on. */
    private static final class Shape {

        final long inputs;
        final long allRows;

        /** Of an input. */
        final int rows;

        final int columns;
        final int pitch;
        final int changeRows;
        final int changeColumns;
        final int groupColumns;

        /** Whether groups are wider than a block of columns. */
        final boolean wide;

        /** Whole groups that fit into a block, or what of a group does. */
        final int blockColumns;

        Shape(Arguments a, int block, int side) {
            inputs = a.inputs();
            allRows = a.weights().rows();
            rows = (int) (allRows / inputs);
            columns = (int) a.weights().columns();
            pitch = Math.ceilDiv(columns, CHUNK) * CHUNK;
            changeRows = Math.ceilDiv(rows, block) * block;
            changeColumns = Math.max(Math.ceilDiv(columns, side) * side, block);
            groupColumns = a.groupColumns();
            wide = groupColumns > block;
            blockColumns = wide || !a.refinesScales() ? block : block / groupColumns * groupColumns;
        }
    }

    /** @param rows the list, losses and gains, each of {@code rows} numbers, and the list's length */
    private record Buffers(Matrix bytes, Matrix gradients, Matrix sums, Matrix changes, Matrix rows) {}

    /** One operation's launches. */
    private static final class Launcher {

        private final Arguments a;
        private final Shape shape;
        private final Buffers buffers;
        private final KernelFile file;
        private final CudaStream cuda;
        private final Kernel update;

        Launcher(Arguments a, Shape shape, Buffers buffers, KernelFile file, CudaStream cuda) {
            this.a = a;
            this.shape = shape;
            this.buffers = buffers;
            this.file = file;
            this.cuda = cuda;
            this.update = file.kernel("code_refinement_update");
        }

        void run() {
            if (shape.rows == 0) {
                return;
            }
            int side = file.constant("kSide");
            Kernel begin = file.kernel("code_refinement_begin");
            Grid squares =
                    new Grid(Math.ceilDiv(shape.columns, side), shape.changeRows / side, inputs(), begin.threads());
            launch(begin, 0, shape.columns, false, buffers.gradients, squares);
            update(0, shape.columns, true, buffers.gradients);
            byRow("losses");
            for (int sweep = 0; sweep < a.mostSweeps(); sweep++) {
                sweep();
            }
            if (a.mostSweeps() > 0) {
                if (a.format().bits() < Byte.SIZE) {
                    byRow("pack");
                }
                byRow("losses");
            }
        }

        private void sweep() {
            int unit = shape.wide && a.refinesScales() ? shape.groupColumns : shape.columns;
            for (int from = 0; from < shape.columns; from += unit) {
                int to = Math.min(from + unit, shape.columns);
                for (int first = from; first < to; first += shape.blockColumns) {
                    block(first, Math.min(shape.blockColumns, to - first));
                }
                if (unit < shape.columns || (shape.wide && a.refinesScales())) {
                    wideScale(from, to - from);
                }
            }
            Kernel rows = file.kernel("code_refinement_rows");
            launch(rows, 0, 0, false, buffers.sums, new Grid(1, 1, inputs(), rows.threads()));
        }

        private void block(int first, int width) {
            Kernel block = file.kernel("code_refinement_block_" + codes());
            launch(
                    block,
                    first,
                    width,
                    false,
                    buffers.sums,
                    new Grid(shape.changeRows / file.constant("kRows"), 1, inputs(), block.threads()));
            update(first, width, false, buffers.sums);
        }

        private void wideScale(int first, int width) {
            int side = file.constant("kSide");
            Kernel numbers = file.kernel("code_refinement_numbers");
            Grid squares = new Grid(Math.ceilDiv(width, side), shape.changeRows / side, inputs(), numbers.threads());
            launch(numbers, first, width, false, buffers.sums, squares);
            update(first, width, true, buffers.sums);
            Kernel scale = file.kernel("code_refinement_scale");
            launch(scale, first, width, false, buffers.sums, new Grid(shape.rows, 1, inputs(), scale.threads()));
        }

        private void update(int first, int width, boolean fresh, Matrix sums) {
            int tile = file.constant("kBlock");
            Grid tiles =
                    new Grid(Math.ceilDiv(shape.columns, tile), shape.changeRows / tile, inputs(), update.threads());
            launch(update, first, width, fresh, sums, tiles);
        }

        private void byRow(String step) {
            Kernel kernel = file.kernel("code_refinement_" + step);
            launch(kernel, 0, shape.columns, false, buffers.sums, Grid.of(shape.allRows, kernel.threads()));
        }

        private void launch(Kernel kernel, int first, int width, boolean fresh, Matrix sums, Grid grid) {
            cuda.call(kernel)
                    .matrix(a.weights())
                    .matrix(a.moments())
                    .matrix(a.scales())
                    .optional(a.zeroPoints())
                    .matrix(a.codes())
                    .matrix(buffers.bytes)
                    .matrix(buffers.gradients)
                    .matrix(sums)
                    .matrix(buffers.changes)
                    .matrix(buffers.rows.rows(0, 1))
                    .matrix(buffers.rows.rows(1, 2))
                    .matrix(buffers.rows.rows(2, 3))
                    .matrix(buffers.rows.rows(3, 4))
                    .matrix(a.losses())
                    .count((long) shape.changeColumns * shape.changeRows)
                    .number(shape.rows)
                    .number(shape.columns)
                    .number(shape.pitch)
                    .number(shape.changeRows)
                    .number((int) a.scales().columns())
                    .number(shape.groupColumns)
                    .number((int) Math.min(a.tile().rows(), Integer.MAX_VALUE))
                    .number(first)
                    .number(width)
                    .number(fresh ? 1 : 0)
                    .number(a.refinesScales() && !shape.wide ? shape.groupColumns : 0)
                    .number(a.divisor())
                    .type(a.weights().dtype())
                    .number(a.format().id())
                    .number(a.scaleFormat().id())
                    .launch(grid);
        }

        private int inputs() {
            return (int) shape.inputs;
        }

        private String codes() {
            return CudaGptqSweep.codesOf(a.format());
        }
    }
}
