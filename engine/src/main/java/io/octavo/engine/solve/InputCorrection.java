package io.octavo.engine.solve;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * What weights change by so that, on the inputs x' that solved Linears give, they make up for what those differ in from the
 * original ones x: {@code W + W P} has the least {@code |W x - V x'|² + λ |V - W|²} of all V, with λ the dampening (GPTAQ, arXiv
 * 2504.02692, in the form of ridge regression), so {@code P = E[(x - x') x'ᵀ] (E[x' x'ᵀ] + λ)⁻¹}.
 *
 * <p>Where tokens are few, much of what that explains is chance, and P is made smaller by the share that chance is expected to
 * have: one over the F statistic (van Houwelingen and Le Cessie 1990), twice that as tokens of a text are alike.
 *
 * @param transposed P, {@code [columns, columns]} F32
 */
record InputCorrection(DeviceBuffer memory, Matrix transposed) implements AutoCloseable {

    /** Tokens that tell as much as one would that has nothing to do with others. */
    private static final double ALIKE = 2;

    /**
     * @param sums {@code [2 columns, 2 columns]} F32 of x' and x
     * @param moments E[x' x'ᵀ], {@code [columns, columns]} F32
     * @return empty where there is nothing to make up for, or nothing but chance
     */
    static Optional<InputCorrection> of(
            Matrix sums,
            Matrix moments,
            long tokens,
            HessianFactor inverse,
            Backend backend,
            RowTasks tasks,
            Stream stream) {
        int columns = Math.toIntExact(moments.columns());
        DeviceBuffer memory = backend.allocate("gptq", bytes(columns));
        var found = new InputCorrection(memory, Matrix.of(memory, DType.F32, columns, columns));
        try (var making = new Making(columns, inverse, backend, tasks, stream)) {
            if (making.transposed(sums, moments, tokens, found.transposed)) {
                return Optional.of(found);
            }
        } catch (RuntimeException e) {
            found.close();
            throw e;
        }
        found.close();
        return Optional.empty();
    }

    static long bytes(int columns) {
        return Matrix.bytes(DType.F32, columns, columns);
    }

    /** What making it takes of the backend besides, until it is made. */
    static long makingBytes(int columns) {
        return 2 * Matrix.bytes(DType.F32, columns, columns);
    }

    /** The same of the host. */
    static long makingHostBytes(int columns) {
        return 4 * Matrix.bytes(DType.F32, columns, columns) + Matrix.bytes(DType.I32, 1, columns);
    }

    /**
     * With {@code (H + λ)⁻¹ = Uᵀ U}, columns in the factor's order, and {@code M = E[(x - x') x'ᵀ]}, {@code Pᵀ = Uᵀ (M Uᵀ)ᵀ}, and
     * {@code |M Uᵀ|²} is what P explains of {@code E|x - x'|²}.
     */
    private static final class Making implements AutoCloseable {

        private final int columns;
        private final Backend backend;
        private final RowTasks tasks;
        private final Stream stream;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment order;
        private final MemorySegment factor;
        private final DeviceBuffer left;
        private final DeviceBuffer right;

        Making(int columns, HessianFactor inverse, Backend backend, RowTasks tasks, Stream stream) {
            this.columns = columns;
            this.backend = backend;
            this.tasks = tasks;
            this.stream = stream;
            this.order = arena.allocate(inverse.order().bytes(), Integer.BYTES);
            this.factor = square();
            this.left = backend.allocate("gptq", factor.byteSize());
            this.right = backend.allocate("gptq", factor.byteSize());
            inverse.order().buffer().copyTo(order, inverse.order().offset(), stream);
            inverse.memory().copyTo(factor, inverse.factor().offset(), stream);
            stream.synchronize();
        }

        private MemorySegment square() {
            return arena.allocate(Matrix.bytes(DType.F32, columns, columns), Float.BYTES);
        }

        /** @return whether there is any */
        boolean transposed(Matrix sums, Matrix moments, long tokens, Matrix target) {
            Matrix product = Matrix.of(right, DType.F32, columns, columns);
            MemorySegment host = square();
            double total = differences(sums, moments, tokens, host);
            each((i, j) -> set(factor, i, j, j < i ? 0 : at(factor, i, j))); // Below the diagonal it has no meaning.
            target.buffer().copyFrom(factor, 0, stream);
            multiply(host, target, product);
            right.copyTo(host, 0, stream);
            stream.synchronize();
            double explained = 0;
            for (long i = 0; i < (long) columns * columns; i++) {
                double number = host.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                explained += number * number;
            }
            double chance = ALIKE * (total - explained) / explained * columns / (tokens - columns);
            if (!(tokens > columns && explained > 0 && chance < 1)) {
                return false;
            }
            float kept = (float) Math.min(1 - chance, 1);
            each((i, j) -> set(host, place(i), j, kept * at(factor, j, i)));
            multiply(host, product, target);
            stream.synchronize();
            return true;
        }

        /** @return E|x - x'|² */
        private double differences(Matrix sums, Matrix moments, long tokens, MemorySegment target) {
            MemorySegment h = square();
            moments.buffer().copyTo(h, moments.offset(), stream);
            MemorySegment original = square();
            float[] squares = new float[columns];
            long rowBytes = Matrix.bytes(DType.F32, 1, columns);
            for (int i = 0; i < columns; i++) {
                Matrix row = sums.rows(columns + i, columns + i + 1L);
                row.buffer().copyTo(original.asSlice(i * rowBytes, rowBytes), row.offset(), stream);
                MemorySegment square = MemorySegment.ofArray(squares).asSlice((long) i * Float.BYTES, Float.BYTES);
                row.buffer().copyTo(square, row.offset() + rowBytes + square.byteSize() * i, stream);
            }
            stream.synchronize();
            float share = 1f / tokens;
            each((i, j) -> set(target, i, j, at(original, i, place(j)) * share - at(h, i, place(j))));
            double total = 0;
            for (int i = 0; i < columns; i++) {
                total += ((double) squares[i] - 2.0 * at(original, i, i)) * share + at(h, i, i);
            }
            return total;
        }

        /** The column that is solved so many columns after the first. */
        private int place(int position) {
            return order.getAtIndex(ValueLayout.JAVA_INT, position);
        }

        @FunctionalInterface
        private interface Entry {
            void at(int row, int column);
        }

        private void each(Entry entry) {
            tasks.run(columns, 1, (from, to) -> {
                for (int i = from; i < to; i++) {
                    for (int j = 0; j < columns; j++) {
                        entry.at(i, j);
                    }
                }
            });
        }

        private float at(MemorySegment matrix, long row, long column) {
            return matrix.getAtIndex(ValueLayout.JAVA_FLOAT, row * columns + column);
        }

        private void set(MemorySegment matrix, long row, long column, float number) {
            matrix.setAtIndex(ValueLayout.JAVA_FLOAT, row * columns + column, number);
        }

        /** {@code out = a bᵀ} */
        private void multiply(MemorySegment a, Matrix b, Matrix out) {
            left.copyFrom(a, 0, stream);
            Matrix placed = Matrix.of(left, DType.F32, columns, columns);
            backend.operations().matMul().multiply(ScaledMatrix.plain(placed), ScaledMatrix.plain(b), out, stream);
        }

        @Override
        public void close() {
            stream.synchronize();
            right.close();
            left.close();
            arena.close();
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
