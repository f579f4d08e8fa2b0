package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
     * @param h {@code [columns, columns]}, not all zeros
     * @return empty where no dampening helps
     */
    static Optional<HessianFactor> of(float[][] h, Gptq settings, Backend backend, RowTasks tasks, Stream stream) {
        int columns = h.length;
        int[] order = order(h, settings.actOrder());
        double mean = IntStream.range(0, columns).mapToDouble(i -> h[i][i]).sum() / columns;
        long bytes = Matrix.bytes(DType.F32, columns, columns);
        long orderBytes = Matrix.bytes(DType.I32, 1, columns);
        DeviceBuffer memory = backend.allocate("gptq", bytes + orderBytes + Integer.BYTES);
        var factor = Matrix.of(memory, DType.F32, columns, columns);
        var places = new Matrix(memory, bytes, DType.I32, 1, columns);
        var failures = new Matrix(memory, bytes + orderBytes, DType.I32, 1, 1);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment host = arena.allocate(bytes, Long.BYTES);
            double dampening = settings.dampening();
            for (int raise = 0; raise <= MOST_RAISES; raise++, dampening *= RAISE) {
                float added = (float) (dampening * mean);
                tasks.run(columns, 1, (from, to) -> permute(h, order, added, host, from, to));
                memory.copyFrom(host, 0, stream);
                backend.operations().inverseFactor().factor(factor, failures, stream);
                int[] failed = new int[1];
                memory.copyTo(MemorySegment.ofArray(failed), failures.offset(), stream);
                stream.synchronize();
                if (failed[0] == 0) {
                    memory.copyFrom(MemorySegment.ofArray(order), places.offset(), stream);
                    stream.synchronize();
                    return Optional.of(new HessianFactor(memory, factor, places, dampening));
                }
            }
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
        memory.close();
        return Optional.empty();
    }

    /** From the column that inputs are largest in to the one that they are smallest in. */
    private static int[] order(float[][] h, boolean byActivations) {
        IntStream columns = IntStream.range(0, h.length);
        return byActivations
                ? columns.boxed()
                        .sorted(Comparator.comparingDouble(column -> -h[column][column]))
                        .mapToInt(Integer::intValue)
                        .toArray()
                : columns.toArray();
    }

    /** Columns that are always zero get the dampening alone, so they are rounded and touch nothing. */
    private static void permute(float[][] h, int[] order, float added, MemorySegment target, int from, int to) {
        long columns = h.length;
        for (int i = from; i < to; i++) {
            float[] row = h[order[i]];
            for (int j = 0; j < columns; j++) {
                float number = i == j ? row[order[j]] + added : row[order[j]];
                target.setAtIndex(ValueLayout.JAVA_FLOAT, i * columns + j, number);
            }
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
