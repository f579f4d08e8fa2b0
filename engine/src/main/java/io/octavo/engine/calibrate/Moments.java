package io.octavo.engine.calibrate;

import io.octavo.engine.solve.InputMoments;
import io.octavo.engine.solve.InputMoments.Differences;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Sums of products of the channels of one input, or of several below each other, until all of them were given back. */
final class Moments {

    private final Backend backend;
    private final DeviceBuffer buffer;
    private final Matrix sums;
    private final Matrix counts;
    private final Optional<Differences> differences;

    /** That the host has counted; the device counts those of groups. */
    private final long[] tokens;

    private int left;

    /** @param paired whether differences from the original model's input are summed, too, of one input */
    Moments(Backend backend, long columns, int inputs, boolean paired) {
        this.backend = backend;
        this.buffer = backend.allocate("moments", bytes(columns, inputs, paired));
        this.sums = Matrix.of(buffer, DType.F32, inputs * columns, columns);
        this.tokens = new long[inputs];
        this.left = inputs;
        long end = sums.bytes();
        this.differences = paired
                ? Optional.of(new Differences(
                        new Matrix(buffer, end, DType.F32, columns, columns),
                        new Matrix(buffer, 2 * end, DType.F32, 1, columns)))
                : Optional.empty();
        // Behind the others, which kernels want aligned.
        long whole = bytes(columns, inputs, paired) - Matrix.bytes(DType.I32, 1, inputs);
        this.counts = new Matrix(buffer, whole, DType.I32, 1, inputs);
    }

    static long bytes(long columns, int inputs, boolean paired) {
        long sums = Matrix.bytes(DType.F32, inputs * columns, columns) + Matrix.bytes(DType.I32, 1, inputs);
        return paired ? sums + Matrix.bytes(DType.F32, columns + 1, columns) : sums;
    }

    private Matrix sums(int input) {
        return sums.part(input, tokens.length);
    }

    /** @param rows BF16 */
    void accumulate(int input, Matrix rows, Stream stream) {
        backend.operations().secondMoments().accumulate(rows, sums(input), stream);
        tokens[input] += rows.rows();
    }

    /** @param starts of the rows of each input */
    void accumulateGroups(Matrix rows, Matrix starts, Stream stream) {
        backend.operations().secondMoments().accumulateGroups(rows, starts, sums, counts, stream);
    }

    /**
     * The same beside the original model's.
     *
     * @param difference BF16: what that has more, whose squares are added before it is rounded
     */
    void accumulate(Matrix rows, Matrix difference, Stream stream) {
        accumulate(0, rows, stream);
        Matrix products = differences.orElseThrow().products();
        backend.operations().secondMoments().accumulate(difference, rows, products, stream);
    }

    /** @param d {@code [tokens, columns]} F32: what the original model's input has more */
    void addSquares(Matrix d, Stream stream) {
        backend.operations()
                .secondMoments()
                .squares(d, differences.orElseThrow().squares(), stream);
    }

    /** Makes one input's what those of another are. */
    void copy(int input, InputMoments other, Stream stream) {
        try (DeviceBuffer whole = backend.allocate("moments", 2 * Float.BYTES)) {
            whole.copyFrom(MemorySegment.ofArray(new float[] {1, 0}), 0, stream);
            Matrix shares = Matrix.of(whole, DType.F32, 1, 2);
            backend.operations().secondMoments().arrange(other.sums(), null, shares, sums(input), stream);
            stream.synchronize();
        }
        tokens[input] = other.tokens().getFirst();
    }

    Taken take(int first, int inputs) {
        return new Taken(first, inputs);
    }

    /** Some inputs, until this is closed. */
    final class Taken implements AutoCloseable {

        private final int first;
        private final int inputs;

        private Taken(int first, int inputs) {
            this.first = first;
            this.inputs = inputs;
        }

        /** Complete; makes sums symmetric. */
        InputMoments seen(Stream stream) {
            long columns = sums.columns();
            Matrix own = sums.rows(first * columns, (first + inputs) * columns);
            backend.operations().secondMoments().mirror(own, stream);
            int[] counted = new int[inputs];
            buffer.copyTo(MemorySegment.ofArray(counted), counts.offset() + (long) first * Integer.BYTES, stream);
            stream.synchronize();
            List<Long> all = IntStream.range(0, inputs)
                    .mapToObj(i -> tokens[first + i] + counted[i])
                    .toList();
            return new InputMoments(own, differences, all);
        }

        @Override
        public void close() {
            release(inputs);
        }
    }

    /** Frees the memory with the last of the inputs. */
    void release(int inputs) {
        left -= inputs;
        if (left == 0) {
            buffer.close();
        }
    }
}
