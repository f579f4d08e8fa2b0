package io.octavo.kernels.internal.vector.quantization;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.quantization.SecondMoments;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** Threads share out rows of the sums; each adds tokens in their order. */
public final class VectorSecondMoments implements SecondMoments {

    /** Tokens that are read at a time, and how many of them a sum is loaded and stored for. */
    private static final int TOKENS = 16;

    private static final int AT_ONCE = 4;

    /** Rows of sums that share what was read. */
    private static final int ROWS = 16;

    private final WorkerPool workers;

    public VectorSecondMoments(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void accumulate(Matrix x, Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(x, sums);
        int columns = (int) x.columns();
        long xAt = Native.address(x);
        long sumsAt = Native.address(sums);
        workers.runRanges(columns, ROWS, (from, to, scratch) -> {
            // Of no column before the first row's.
            int width = columns - (int) from;
            float[] values = scratch.floats(Scratch.Use.ROWS, TOKENS * width);
            for (long token = 0; token < x.rows(); token += TOKENS) {
                int tokens = (int) Math.min(TOKENS, x.rows() - token);
                for (int t = 0; t < tokens; t++) {
                    long at = xAt + ((token + t) * columns + from) * Short.BYTES;
                    RowReader.read(x.dtype(), at, width, values, t * width);
                }
                Arrays.fill(values, tokens * width, TOKENS * width, 0);
                for (long row = from; row < to; row++) {
                    addTo(sumsAt + (row * columns + row) * Float.BYTES, values, width, (int) (row - from));
                }
            }
        });
    }

    private static void addTo(long target, float[] values, int width, int row) {
        for (int token = 0; token < TOKENS; token += AT_ONCE) {
            for (int at = row; at < width; at += Grain.PIECE) {
                addPiece(
                        target + (long) (at - row) * Float.BYTES,
                        values,
                        token * width,
                        width,
                        row,
                        at,
                        Math.min(Grain.PIECE, width - at));
            }
        }
    }

    /** Of {@link #AT_ONCE} tokens, whose values begin at {@code first} and every {@code width}. */
    private static void addPiece(long target, float[] values, int first, int width, int row, int at, int count) {
        int second = first + width;
        int third = second + width;
        int fourth = third + width;
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            FloatVector sum = Native.load(target + (long) i * Float.BYTES);
            sum = FloatVector.fromArray(FLOATS, values, first + at + i)
                    .mul(values[first + row])
                    .add(sum);
            sum = FloatVector.fromArray(FLOATS, values, second + at + i)
                    .mul(values[second + row])
                    .add(sum);
            sum = FloatVector.fromArray(FLOATS, values, third + at + i)
                    .mul(values[third + row])
                    .add(sum);
            sum = FloatVector.fromArray(FLOATS, values, fourth + at + i)
                    .mul(values[fourth + row])
                    .add(sum);
            Native.store(sum, target + (long) i * Float.BYTES);
        }
        for (; i < count; i++) {
            float sum = Native.getFloat(target + (long) i * Float.BYTES);
            sum += values[first + at + i] * values[first + row];
            sum += values[second + at + i] * values[second + row];
            sum += values[third + at + i] * values[third + row];
            sum += values[fourth + at + i] * values[fourth + row];
            Native.setFloat(target + (long) i * Float.BYTES, sum);
        }
    }

    @Override
    public void mirror(Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(sums);
        long columns = sums.columns();
        long at = Native.address(sums);
        workers.runRanges(columns, Grain.rows((int) columns), (from, to, scratch) -> {
            for (long row = from; row < to; row++) {
                for (long column = 0; column < row; column++) {
                    float value = Native.getFloat(at + (column * columns + row) * Float.BYTES);
                    Native.setFloat(at + (row * columns + column) * Float.BYTES, value);
                }
            }
        });
    }

    @Override
    public void arrange(Matrix sums, @Nullable Matrix order, float share, float added, Matrix out, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkArranged(sums, order, out);
        int columns = (int) sums.columns();
        int[] places = new int[columns];
        for (int i = 0; i < columns; i++) {
            int place = order == null ? i : Native.getInt(Native.address(order) + (long) i * Integer.BYTES);
            places[i] = Operands.requireIndex("column", place, columns);
        }
        long from = Native.address(sums);
        long to = Native.address(out);
        workers.runRanges(columns, Grain.rows(columns), (first, last, scratch) -> {
            for (long i = first; i < last; i++) {
                long row = from + (long) places[(int) i] * columns * Float.BYTES;
                for (int j = 0; j < columns; j++) {
                    float number = Native.getFloat(row + (long) places[j] * Float.BYTES) * share;
                    Native.setFloat(to + (i * columns + j) * Float.BYTES, i == j ? number + added : number);
                }
            }
        });
    }

    @Override
    public void diagonal(Matrix sums, Matrix out, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkDiagonal(sums, out);
        for (long i = 0; i < sums.columns(); i++) {
            float number = Native.getFloat(Native.address(sums) + i * (sums.columns() + 1) * Float.BYTES);
            Native.setFloat(Native.address(out) + i * Float.BYTES, number);
        }
    }
}
