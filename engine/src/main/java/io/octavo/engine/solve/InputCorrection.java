package io.octavo.engine.solve;

import io.octavo.engine.solve.InputMoments.Differences;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.backend.Operations;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
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

    /** Of a number, and rows of the first operand that are split at once. */
    private static final int PARTS = 3;

    private static final int ROWS_AT_ONCE = 4096;

    /** @return empty where there is nothing to make up for, or nothing but chance */
    static Optional<InputCorrection> of(
            Differences differences, long tokens, HessianFactor inverse, Backend backend, Stream stream) {
        int columns = Math.toIntExact(differences.products().columns());
        DeviceBuffer memory = backend.allocate("gptq", bytes(columns));
        var found = new InputCorrection(memory, Matrix.of(memory, DType.F32, columns, columns));
        try (var making = new Making(differences, tokens, inverse, backend, stream)) {
            if (making.transposed(found.transposed)) {
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
    static long makingBytes(int columns, boolean gpu) {
        return makingBytes(columns) + productBytes(columns, columns, gpu);
    }

    /** What multiplying rows by a square takes of a GPU, which splits large operands into parts of 16 bits. */
    static long productBytes(long rows, int columns, boolean gpu) {
        return gpu ? PARTS * Matrix.bytes(DType.BF16, columns + Math.min(rows, ROWS_AT_ONCE), columns) : 0;
    }

    private static long makingBytes(int columns) {
        return 2 * Matrix.bytes(DType.F32, columns, columns)
                + Matrix.bytes(DType.F32, 1, columns)
                + Matrix.bytes(DType.I32, 1, columns)
                + Matrix.bytes(DType.F32, 1, 2);
    }

    /**
     * With {@code (H + λ)⁻¹ = Uᵀ U}, and {@code M = E[(x - x') x'ᵀ]}, {@code Pᵀ = Uᵀ (M Uᵀ)ᵀ}, rows and columns of all in the
     * factor's order, and {@code |M Uᵀ|²} is what P explains of {@code E|x - x'|²}.
     */
    private static final class Making implements AutoCloseable {

        private final Differences differences;
        private final long tokens;
        private final HessianFactor inverse;
        private final Operations operations;
        private final Stream stream;
        private final int columns;
        private final DeviceBuffer work;
        private final Matrix square;
        private final Matrix triangle;
        private final Matrix sums;
        private final Matrix places;
        private final Matrix shares;

        Making(Differences differences, long tokens, HessianFactor inverse, Backend backend, Stream stream) {
            this.differences = differences;
            this.tokens = tokens;
            this.inverse = inverse;
            this.operations = backend.operations();
            this.stream = stream;
            this.columns = Math.toIntExact(differences.products().columns());
            this.work = backend.allocate("gptq", makingBytes(columns));
            this.square = Matrix.of(work, DType.F32, columns, columns);
            this.triangle = new Matrix(work, square.bytes(), DType.F32, columns, columns);
            this.sums = new Matrix(work, 2 * square.bytes(), DType.F32, 1, columns);
            this.places = new Matrix(work, 2 * square.bytes() + sums.bytes(), DType.I32, 1, columns);
            this.shares = new Matrix(work, places.offset() + places.bytes(), DType.F32, 1, 2);
        }

        /** @return whether there is any */
        boolean transposed(Matrix target) {
            arrange(differences.products(), inverse.order(), 1f / tokens, square);
            operations.inverseFactor().triangle(inverse.factor(), false, triangle, stream);
            multiply(square, triangle, target);
            operations.secondMoments().squares(target, sums, stream);
            double explained = total(sums);
            double all = total(differences.squares()) / tokens;
            double chance = ALIKE * (all - explained) / explained * columns / (tokens - columns);
            if (!(tokens > columns && explained > 0 && chance < 1)) {
                return false;
            }
            operations.inverseFactor().triangle(inverse.factor(), true, triangle, stream);
            multiply(triangle, target, square);
            float kept = (float) Math.min(1 - chance, 1);
            arrange(square, places(), kept, target);
            stream.synchronize();
            return true;
        }

        private void arrange(Matrix sums, Matrix order, float share, Matrix target) {
            work.copyFrom(MemorySegment.ofArray(new float[] {share, 0}), shares.offset(), stream);
            operations.secondMoments().arrange(sums, order, shares, target, stream);
        }

        private double total(Matrix row) {
            float[] numbers = new float[columns];
            row.buffer().copyTo(MemorySegment.ofArray(numbers), row.offset(), stream);
            stream.synchronize();
            double total = 0;
            for (float number : numbers) {
                total += number;
            }
            return total;
        }

        /** Of each column, how many are solved before it. */
        private Matrix places() {
            int[] order = new int[columns];
            inverse.order()
                    .buffer()
                    .copyTo(MemorySegment.ofArray(order), inverse.order().offset(), stream);
            stream.synchronize();
            int[] found = new int[columns];
            for (int i = 0; i < columns; i++) {
                found[order[i]] = i;
            }
            work.copyFrom(MemorySegment.ofArray(found), places.offset(), stream);
            return places;
        }

        /** {@code out = a bᵀ} */
        private void multiply(Matrix a, Matrix b, Matrix out) {
            operations.matMul().multiply(ScaledMatrix.plain(a), ScaledMatrix.plain(b), out, stream);
        }

        @Override
        public void close() {
            stream.synchronize();
            work.close();
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
