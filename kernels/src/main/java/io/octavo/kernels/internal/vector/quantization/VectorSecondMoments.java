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
        accumulate(x, x, sums, false);
    }

    @Override
    public void accumulate(Matrix x, Matrix y, Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(x, y, sums);
        accumulate(x, y, sums, true);
    }

    @Override
    public void accumulateGroups(Matrix x, Matrix starts, Matrix sums, Matrix counts, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkGroups(x, starts, sums, counts);
        int groups = (int) counts.columns();
        for (int group = 0; group < groups; group++) {
            long at = (long) group * Integer.BYTES;
            int from = Native.getInt(Native.address(starts) + at);
            int to = Native.getInt(Native.address(starts) + at + Integer.BYTES);
            Matrix rows = x.rows(from, to);
            accumulate(rows, rows, sums.part(group, groups), false);
            Native.setInt(Native.address(counts) + at, Native.getInt(Native.address(counts) + at) + to - from);
        }
    }

    /** @param whole or of no column before the row's own */
    private void accumulate(Matrix x, Matrix y, Matrix sums, boolean whole) {
        int columns = (int) x.columns();
        long sumsAt = Native.address(sums);
        workers.runRanges(columns, ROWS, (from, to, scratch) -> {
            int left = whole ? 0 : (int) from;
            int width = columns - left;
            int rows = (int) (to - from);
            float[] values = scratch.floats(Scratch.Use.ROWS, TOKENS * width);
            float[] factors = scratch.floats(Scratch.Use.VALUES, TOKENS * rows);
            for (long token = 0; token < x.rows(); token += TOKENS) {
                read(y, token, left, width, values);
                read(x, token, (int) from, rows, factors);
                for (int row = 0; row < rows; row++) {
                    int first = whole ? 0 : row;
                    addTo(
                            sumsAt + ((from + row) * columns + left) * Float.BYTES,
                            values,
                            width,
                            first,
                            factors,
                            rows,
                            row);
                }
            }
        });
    }

    /** Some columns of {@link #TOKENS} tokens, zeros where there are none. */
    private static void read(Matrix x, long token, int left, int width, float[] target) {
        int tokens = (int) Math.min(TOKENS, x.rows() - token);
        for (int t = 0; t < tokens; t++) {
            long at = Native.address(x) + ((token + t) * x.columns() + left) * Short.BYTES;
            RowReader.read(x.dtype(), at, width, target, t * width);
        }
        Arrays.fill(target, tokens * width, TOKENS * width, 0);
    }

    /**
     * From the column {@code left} on.
     *
     * @param factors {@code [TOKENS, rows]}, of which the column {@code row} multiplies
     */
    private static void addTo(long target, float[] values, int width, int left, float[] factors, int rows, int row) {
        float[] own = new float[AT_ONCE];
        for (int token = 0; token < TOKENS; token += AT_ONCE) {
            for (int t = 0; t < AT_ONCE; t++) {
                own[t] = factors[(token + t) * rows + row];
            }
            for (int at = left; at < width; at += Grain.PIECE) {
                int count = Math.min(Grain.PIECE, width - at);
                addPiece(target + (long) at * Float.BYTES, values, token * width + at, width, own, count);
            }
        }
    }

    /** Of {@link #AT_ONCE} tokens, whose values begin at {@code first} and every {@code width}. */
    private static void addPiece(long target, float[] values, int first, int width, float[] own, int count) {
        int second = first + width;
        int third = second + width;
        int fourth = third + width;
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            FloatVector sum = Native.load(target + (long) i * Float.BYTES);
            sum = FloatVector.fromArray(FLOATS, values, first + i).mul(own[0]).add(sum);
            sum = FloatVector.fromArray(FLOATS, values, second + i).mul(own[1]).add(sum);
            sum = FloatVector.fromArray(FLOATS, values, third + i).mul(own[2]).add(sum);
            sum = FloatVector.fromArray(FLOATS, values, fourth + i).mul(own[3]).add(sum);
            Native.store(sum, target + (long) i * Float.BYTES);
        }
        for (; i < count; i++) {
            float sum = Native.getFloat(target + (long) i * Float.BYTES);
            sum += values[first + i] * own[0];
            sum += values[second + i] * own[1];
            sum += values[third + i] * own[2];
            sum += values[fourth + i] * own[3];
            Native.setFloat(target + (long) i * Float.BYTES, sum);
        }
    }

    @Override
    public void squares(Matrix x, Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkSquares(x, sums);
        long columns = x.columns();
        long sumsAt = Native.address(sums);
        workers.runRanges(columns, Grain.rows((int) x.rows()), (from, to, scratch) -> {
            double[] own = new double[(int) (to - from)];
            for (long token = 0; token < x.rows(); token++) {
                long row = Native.address(x) + token * columns * Float.BYTES;
                for (long j = from; j < to; j++) {
                    double number = Native.getFloat(row + j * Float.BYTES);
                    own[(int) (j - from)] += number * number;
                }
            }
            for (long j = from; j < to; j++) {
                float before = Native.getFloat(sumsAt + j * Float.BYTES);
                Native.setFloat(sumsAt + j * Float.BYTES, (float) (before + own[(int) (j - from)]));
            }
        });
    }

    @Override
    public void mirror(Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(sums);
        long columns = sums.columns();
        long at = Native.address(sums);
        workers.runRanges(sums.rows(), Grain.rows((int) columns), (from, to, scratch) -> {
            for (long i = from; i < to; i++) {
                long row = i % columns;
                long top = i - row;
                for (long column = 0; column < row; column++) {
                    float value = Native.getFloat(at + ((top + column) * columns + row) * Float.BYTES);
                    Native.setFloat(at + (i * columns + column) * Float.BYTES, value);
                }
            }
        });
    }

    @Override
    public void arrange(Matrix sums, @Nullable Matrix order, Matrix shares, Matrix out, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkArranged(sums, order, shares, out);
        int count = (int) shares.rows();
        for (int each = 0; each < count; each++) {
            @Nullable Matrix own = order == null ? null : order.part(each, count);
            long at = Native.address(shares.rows(each, each + 1));
            float share = Native.getFloat(at);
            float added = Native.getFloat(at + Float.BYTES);
            arrange(sums.part(each, count), own, share, added, out.part(each, count));
        }
    }

    private void arrange(Matrix sums, @Nullable Matrix order, float share, float added, Matrix out) {
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
        for (long i = 0; i < sums.rows(); i++) {
            long at = i * sums.columns() + i % sums.columns();
            float number = Native.getFloat(Native.address(sums) + at * Float.BYTES);
            Native.setFloat(Native.address(out) + i * Float.BYTES, number);
        }
    }
}
