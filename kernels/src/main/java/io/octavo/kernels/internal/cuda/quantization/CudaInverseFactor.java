package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.quantization.InverseFactor;

/**
 * Launches {@code inverse_factor.cu}, block of columns by block of columns, then pairs of triangles of twice the size each; and
 * {@code inverse_factor_triangle.cu}.
 */
public final class CudaInverseFactor implements InverseFactor {

    private final KernelLibrary library;
    private final DeviceMemory memory;

    public CudaInverseFactor(KernelLibrary library, DeviceMemory memory) {
        this.library = library;
        this.memory = memory;
    }

    /** One call's matrices, and what is between steps: {@code workNumbers} a matrix at {@code work}. */
    private record Operation(
            KernelFile file, Matrix matrices, Matrix failures, long work, long workNumbers, CudaStream stream) {

        int n() {
            return (int) matrices.columns();
        }

        int tile() {
            return file.constant("kTile");
        }

        /** A step of the block of columns that begins at {@code first}. */
        void block(String step, int first, int across, int down) {
            launch(step, first, tile(), 1, across, down);
        }

        /** A step of pairs of triangles of {@code size}, of which a last one alone is none. */
        void pairs(String step, int size) {
            int pairs = pairsOf(n(), size);
            launch(step, 0, size, pairs, Math.ceilDiv(Math.min(size, n() - size), tile()), size / tile());
        }

        private void launch(String step, int first, int size, int pairs, int across, int down) {
            Kernel kernel = file.kernel("inverse_factor_" + step);
            stream.call(kernel)
                    .matrix(matrices)
                    .address(work)
                    .matrix(failures)
                    .count(workNumbers)
                    .number(n())
                    .number(first)
                    .number(size)
                    .number(pairs)
                    .launch(new Grid(
                            across,
                            down,
                            Math.toIntExact(Math.multiplyExact(failures.columns(), pairs)),
                            kernel.threads()));
        }
    }

    private static int pairsOf(int n, long size) {
        return (int) Math.ceilDiv(Math.max(n - size, 0), 2 * size);
    }

    @Override
    public void factor(Matrix matrices, Matrix failures, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        InverseFactor.check(matrices, failures);
        int n = (int) matrices.columns();
        KernelFile file = library.file("inverse_factor");
        int tile = file.constant("kTile");
        long workNumbers = (long) tile * n;
        for (int size = tile; size < n; size *= 2) {
            workNumbers = Math.max(workNumbers, (long) pairsOf(n, size) * size * size);
        }
        long workBytes = Math.multiplyExact(failures.columns() * Float.BYTES, workNumbers);
        try (var work = PartialSums.of("inverse factor", workBytes, memory, cuda)) {
            var operation = new Operation(file, matrices, failures, work.address(), workNumbers, cuda);
            for (int block = Math.ceilDiv(n, tile) - 1; block >= 0; block--) {
                operation.block("diagonal", block * tile, 1, 1);
                operation.block("panel", block * tile, 1, block);
                operation.block("update", block * tile, block, block);
            }
            for (int size = tile; size < n; size *= 2) {
                operation.pairs("above", size);
                operation.pairs("invert", size);
            }
        }
    }

    @Override
    public void triangle(Matrix u, boolean transposed, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        InverseFactor.checkTriangle(u, out);
        KernelFile file = library.file("inverse_factor_triangle");
        Kernel kernel = file.kernel("inverse_factor_triangle");
        int tiles = Math.toIntExact(Math.ceilDiv(u.columns(), (long) file.constant("kTile")));
        cuda.call(kernel)
                .matrix(u)
                .matrix(out)
                .number((int) u.columns())
                .number(transposed ? 1 : 0)
                .launch(new Grid(tiles, tiles, 1, kernel.threads()));
    }
}
