package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.quantization.InverseFactor;

/** Launches {@code inverse_factor.cu}, block of columns by block of columns. */
public final class CudaInverseFactor implements InverseFactor {

    /** As the kernels have them. */
    private static final int BLOCK = 128;

    private static final int ROWS = 64;
    private static final int THREADS = 128;

    /** Two blocks, whose rows start in different banks. */
    private static final int DIAGONAL_BYTES = 2 * BLOCK * (BLOCK + 1) * Float.BYTES;

    private final KernelLibrary library;
    private final DeviceMemory memory;

    public CudaInverseFactor(KernelLibrary library, DeviceMemory memory) {
        this.library = library;
        this.memory = memory;
    }

    /** One call's matrices, and where panels lie. */
    private record Operation(Matrix matrices, Matrix failures, long panels, CudaStream stream) {

        int n() {
            return (int) matrices.columns();
        }

        void launch(Kernel kernel, int block, int across, int down) {
            stream.call(kernel)
                    .matrix(matrices)
                    .address(panels)
                    .matrix(failures)
                    .number(n())
                    .number(block)
                    .launch(new Grid(across, down, (int) failures.columns(), THREADS));
        }
    }

    @Override
    public void factor(Matrix matrices, Matrix failures, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        InverseFactor.check(matrices, failures);
        long panelBytes = matrices.rows() * BLOCK * Float.BYTES;
        try (var panels = PartialSums.of("inverse factor", panelBytes, memory, cuda)) {
            var operation = new Operation(matrices, failures, panels.address(), cuda);
            int blocks = Math.ceilDiv(operation.n(), BLOCK);
            for (int block = blocks - 1; block >= 0; block--) {
                operation.launch(diagonal(), block, 1, 1);
                operation.launch(kernel("panel"), block, rowTiles(block), 1);
                operation.launch(kernel("update"), block, block, rowTiles(block));
            }
            for (int block = 1; block < blocks; block++) {
                operation.launch(kernel("above"), block, rowTiles(block), 1);
                operation.launch(kernel("invert"), block, rowTiles(block), 1);
            }
        }
    }

    /** Of rows above a block. */
    private static int rowTiles(int block) {
        return block * (BLOCK / ROWS);
    }

    private Kernel kernel(String step) {
        return library.kernel("inverse_factor", "inverse_factor_" + step);
    }

    private Kernel diagonal() {
        return library.kernel("inverse_factor", "inverse_factor_diagonal", DIAGONAL_BYTES);
    }
}
