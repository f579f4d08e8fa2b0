package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What GPTQ's sweep needs of the second moments of an input: the order of columns, and the factor of the inverse in it.
 *
 * @param factor {@code [columns, columns]} F32
 * @param order {@code [1, columns]} I32
 * @param dampening that it took, as a share of the mean diagonal
 */
record HessianFactor(DeviceBuffer memory, Matrix factor, Matrix order, double dampening) implements AutoCloseable {

    /** How often dampening is raised, tenfold each time, where the factorization fails. */
    private static final int MOST_RAISES = 3;

    private static final double RAISE = 10;

    /**
     * @param moments {@code [columns, columns]} F32
     * @param squares their diagonal
     * @return empty where no dampening helps, or all are zeros
     */
    static Optional<HessianFactor> of(Matrix moments, float[] squares, Gptq settings, Backend backend, Stream stream) {
        int columns = squares.length;
        double mean = IntStream.range(0, columns).mapToDouble(i -> squares[i]).sum() / columns;
        if (!(mean > 0)) {
            return Optional.empty();
        }
        long bytes = Matrix.bytes(DType.F32, columns, columns);
        long orderBytes = Matrix.bytes(DType.I32, 1, columns);
        DeviceBuffer memory = backend.allocate("gptq", bytes(columns));
        var factor = Matrix.of(memory, DType.F32, columns, columns);
        var order = new Matrix(memory, bytes, DType.I32, 1, columns);
        var failures = new Matrix(memory, bytes + orderBytes, DType.I32, 1, 1);
        try {
            int[] places = order(squares, settings.actOrder());
            memory.copyFrom(MemorySegment.ofArray(places), order.offset(), stream);
            double dampening = settings.dampening();
            for (int raise = 0; raise <= MOST_RAISES; raise++, dampening *= RAISE) {
                // Columns that are always zero get the dampening alone, so they are rounded and touch nothing.
                float added = (float) (dampening * mean);
                backend.operations().secondMoments().arrange(moments, order, 1, added, factor, stream);
                backend.operations().inverseFactor().factor(factor, failures, stream);
                int[] failed = new int[1];
                memory.copyTo(MemorySegment.ofArray(failed), failures.offset(), stream);
                stream.synchronize();
                if (failed[0] == 0) {
                    return Optional.of(new HessianFactor(memory, factor, order, dampening));
                }
            }
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
        memory.close();
        return Optional.empty();
    }

    /** What it takes of so many columns. */
    static long bytes(int columns) {
        return Matrix.bytes(DType.F32, columns, columns) + Matrix.bytes(DType.I32, 1, columns) + Integer.BYTES;
    }

    /** From the column that inputs are largest in to the one that they are smallest in. */
    private static int[] order(float[] squares, boolean byActivations) {
        IntStream columns = IntStream.range(0, squares.length);
        return byActivations
                ? columns.boxed()
                        .sorted(Comparator.comparingDouble(column -> -squares[column]))
                        .mapToInt(Integer::intValue)
                        .toArray()
                : columns.toArray();
    }

    @Override
    public void close() {
        memory.close();
    }
}
