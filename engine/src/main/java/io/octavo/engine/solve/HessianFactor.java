package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What GPTQ's sweep needs of the second moments of inputs: the order of columns, and the factor of the inverse in it.
 *
 * @param factor {@code [inputs * columns, columns]} F32
 * @param order {@code [inputs, columns]} I32
 * @param dampening that each input took, as a share of the mean diagonal; empty where none helps or all are zeros, and the factor
 *     is that of an identity
 */
record HessianFactor(DeviceBuffer memory, Matrix factor, Matrix order, List<Optional<Double>> dampening)
        implements AutoCloseable {

    /** How often dampening is raised, tenfold each time, where the factorization fails. */
    private static final int MOST_RAISES = 3;

    private static final double RAISE = 10;

    /**
     * @param moments {@code [inputs * columns, columns]} F32
     * @param squares their diagonals
     * @return empty where there is none of any input
     */
    static Optional<HessianFactor> of(Matrix moments, float[] squares, Gptq settings, Backend backend, Stream stream) {
        int columns = Math.toIntExact(moments.columns());
        int inputs = squares.length / Math.max(columns, 1);
        DeviceBuffer memory = backend.allocate("gptq", bytes(columns, inputs));
        try {
            var making = new Making(memory, moments, inputs, backend, stream);
            List<Optional<Double>> dampening = making.factor(squares, settings);
            if (dampening.stream().anyMatch(Optional::isPresent)) {
                return Optional.of(new HessianFactor(memory, making.factor, making.order, dampening));
            }
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
        memory.close();
        return Optional.empty();
    }

    /** What it takes of so many columns. */
    static long bytes(int columns, int inputs) {
        return inputs
                * (Matrix.bytes(DType.F32, columns, columns)
                        + Matrix.bytes(DType.I32, 1, columns)
                        + Matrix.bytes(DType.F32, 1, 2)
                        + Integer.BYTES);
    }

    private static final class Making {

        private final DeviceBuffer memory;
        private final Matrix moments;
        private final int inputs;
        private final Backend backend;
        private final Stream stream;
        private final Matrix factor;
        private final Matrix order;
        private final Matrix shares;
        private final Matrix failures;

        Making(DeviceBuffer memory, Matrix moments, int inputs, Backend backend, Stream stream) {
            this.memory = memory;
            this.moments = moments;
            this.inputs = inputs;
            this.backend = backend;
            this.stream = stream;
            this.factor = Matrix.of(memory, DType.F32, moments.rows(), moments.columns());
            this.order = new Matrix(memory, factor.bytes(), DType.I32, inputs, moments.columns());
            this.shares = new Matrix(memory, order.offset() + order.bytes(), DType.F32, inputs, 2);
            this.failures = new Matrix(memory, shares.offset() + shares.bytes(), DType.I32, 1, inputs);
        }

        /** All at once, then with more dampening those that fail. */
        List<Optional<Double>> factor(float[] squares, Gptq settings) {
            int columns = Math.toIntExact(moments.columns());
            double[] means = new double[inputs];
            int[] places = new int[squares.length];
            for (int input = 0; input < inputs; input++) {
                float[] own = Arrays.copyOfRange(squares, input * columns, (input + 1) * columns);
                means[input] =
                        IntStream.range(0, columns).mapToDouble(i -> own[i]).sum() / columns;
                System.arraycopy(order(own, settings.actOrder()), 0, places, input * columns, columns);
            }
            memory.copyFrom(MemorySegment.ofArray(places), order.offset(), stream);
            var found = new ArrayList<Optional<Double>>();
            int[] failed = factor(0, inputs, means, settings.dampening());
            for (int input = 0; input < inputs; input++) {
                double dampening = settings.dampening();
                boolean fails = means[input] > 0 && failed[input] != 0;
                for (int raise = 0; raise < MOST_RAISES && fails; raise++) {
                    dampening *= RAISE;
                    fails = factor(input, input + 1, means, dampening)[0] != 0;
                }
                if (fails) {
                    factor(input, input + 1, new double[inputs], 0);
                }
                found.add(means[input] > 0 && !fails ? Optional.of(dampening) : Optional.empty());
            }
            return found;
        }

        /**
         * @param means of the diagonals; where there is none the factor becomes that of an identity
         * @return of each of those inputs, 0 if it succeeded
         */
        private int[] factor(int from, int to, double[] means, double dampening) {
            float[] scaling = new float[2 * (to - from)];
            for (int input = from; input < to; input++) {
                boolean any = means[input] > 0;
                scaling[2 * (input - from)] = any ? 1 : 0;
                // Columns that are always zero get the dampening alone, so they are rounded and touch nothing.
                scaling[2 * (input - from) + 1] = any ? (float) (dampening * means[input]) : 1;
            }
            Matrix own = shares.rows(from, to);
            memory.copyFrom(MemorySegment.ofArray(scaling), own.offset(), stream);
            long columns = moments.columns();
            Matrix target = factor.rows(from * columns, to * columns);
            Matrix told = failures.reshape(inputs, 1).rows(from, to).reshape(1, (long) to - from);
            backend.operations()
                    .secondMoments()
                    .arrange(moments.rows(from * columns, to * columns), order.rows(from, to), own, target, stream);
            backend.operations().inverseFactor().factor(target, told, stream);
            int[] failed = new int[to - from];
            memory.copyTo(MemorySegment.ofArray(failed), told.offset(), stream);
            stream.synchronize();
            return failed;
        }
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
