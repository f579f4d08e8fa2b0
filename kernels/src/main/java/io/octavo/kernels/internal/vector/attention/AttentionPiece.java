package io.octavo.kernels.internal.vector.attention;

import static io.octavo.kernels.attention.KvCacheLayout.PAGE_TOKENS;
import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static jdk.incubator.vector.FloatVector.broadcast;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.internal.host.HostSequences;
import io.octavo.kernels.internal.vector.base.Exponential;
import io.octavo.kernels.internal.vector.base.Lanes;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.product.MicroKernel;
import io.octavo.kernels.internal.vector.product.Transpose;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * A run of query rows against one key head, page by page:
 *
 * <pre>
 *   s = q k^T;  m' = max(m, max(s));  p = exp(s - m');  l = l e^(m - m') + sum(p);  o = o e^(m - m') + p v
 * </pre>
 *
 * and {@code o / l} at the end.
 */
final class AttentionPiece {

    record Operands(
            long q, Cache keys, Cache values, long out, HostSequences sequences, Attention.Parameters parameters) {}

    /** Keys or values in the cache. */
    record Cache(long address, DType type, CacheScales scales) {

        static Cache of(KvCacheTensor tensor) {
            return new Cache(Native.address(tensor.numbers()), tensor.numbers().dtype(), CacheScales.of(tensor));
        }

        /** Reads a row into {@code target[at ..]}. */
        void read(long row, int kvHead, int headDim, float[] target, int at) {
            RowReader.read(type, address + row * headDim * type.bytes(), headDim, target, at);
            if (scales.address() != 0) {
                float scale = scales.get(row, kvHead);
                int i = at;
                for (; i + LANES <= at + headDim; i += LANES) {
                    FloatVector.fromArray(FLOATS, target, i).mul(scale).intoArray(target, i);
                }
                for (; i < at + headDim; i++) {
                    target[i] *= scale;
                }
            }
        }
    }

    private final Operands operands;
    private final Attention.Parameters parameters;
    private final KvCacheLayout layout;
    private final HostSequences sequences;
    private final int sequence;
    private final int kvHead;
    private final int firstRow;
    private final int rows;
    private final int group;
    private final int headDim;
    /** {@code headDim} rounded up to whole micro-kernel tiles. */
    private final int valueStride;

    /** {@code [rows][headDim]}, rows rounded up to whole tiles. */
    private final float[] queries;
    /** Panels {@code [headDim][MicroKernel.COLUMNS]}, {@code PAGE_TOKENS} columns together. */
    private final float[] keys;
    /** {@code [PAGE_TOKENS][valueStride]}. */
    private final float[] values;
    /** {@code [MicroKernel.ROWS][PAGE_TOKENS]}. */
    private final float[] scores;
    /** {@code [rows][valueStride]}: o. */
    private final float[] sums;
    /** {@code [rows]}: m. */
    private final float[] maxima;
    /** {@code [rows][LANES]}: l, spread over lanes. */
    private final float[] weights;
    /** One vector, of which the first element is used. */
    private final float[] factor;
    /** One vector's worth of key rows before they are transposed. */
    private final float[] keyRows;

    AttentionPiece(Operands operands, int sequence, int kvHead, int firstRow, int endRow, Scratch scratch) {
        this.operands = operands;
        this.parameters = operands.parameters();
        this.layout = parameters.layout();
        this.sequences = operands.sequences();
        this.sequence = sequence;
        this.kvHead = kvHead;
        this.firstRow = firstRow;
        this.rows = endRow - firstRow;
        this.group = parameters.heads() / layout.kvHeads();
        this.headDim = layout.headDim();
        this.valueStride = Math.ceilDiv(headDim, MicroKernel.COLUMNS) * MicroKernel.COLUMNS;
        int paddedRows = Math.ceilDiv(rows, MicroKernel.ROWS) * MicroKernel.ROWS;
        queries = scratch.floats(Scratch.Use.QUERIES, Math.multiplyExact(paddedRows, headDim));
        keys = scratch.floats(Scratch.Use.KEYS, Math.multiplyExact(PAGE_TOKENS, headDim));
        values = scratch.floats(Scratch.Use.VALUES, Math.multiplyExact(PAGE_TOKENS, valueStride));
        scores = scratch.floats(Scratch.Use.SCORES, MicroKernel.ROWS * PAGE_TOKENS);
        sums = scratch.floats(Scratch.Use.SUMS, Math.multiplyExact(paddedRows, valueStride));
        maxima = scratch.floats(Scratch.Use.MAXIMA, paddedRows);
        weights = scratch.floats(Scratch.Use.WEIGHTS, paddedRows * LANES);
        factor = scratch.floats(Scratch.Use.SCALES, LANES);
        keyRows = scratch.floats(Scratch.Use.ROWS, Math.multiplyExact(LANES, headDim));
        Arrays.fill(queries, rows * headDim, paddedRows * headDim, 0);
        Arrays.fill(values, 0, PAGE_TOKENS * valueStride, 0);
        Arrays.fill(sums, 0, paddedRows * valueStride, 0);
        Arrays.fill(maxima, 0, paddedRows, Float.NEGATIVE_INFINITY);
        Arrays.fill(weights, 0, paddedRows * LANES, 0);
    }

    void run() {
        for (int row = 0; row < rows; row++) {
            long address = operands.q() + queryElement(row) * Float.BYTES;
            RowReader.read(DType.F32, address, headDim, queries, row * headDim);
        }
        int lastPage = position(rows - 1) / PAGE_TOKENS;
        for (int page = firstVisible(0) / PAGE_TOKENS; page <= lastPage; page++) {
            readPage(page);
            for (int row = 0; row < rows; row += MicroKernel.ROWS) {
                int end = Math.min(row + MicroKernel.ROWS, rows);
                boolean seen = position(end - 1) >= page * PAGE_TOKENS && firstVisible(row) < (page + 1) * PAGE_TOKENS;
                if (seen) {
                    attendTile(row, end, page * PAGE_TOKENS);
                }
            }
        }
        for (int row = 0; row < rows; row++) {
            writeRow(row);
        }
    }

    private int queryToken(int row) {
        return sequences.queryStart(sequence) + (firstRow + row) / group;
    }

    /** Index of the first element of a row in {@code q} and {@code out}. */
    private long queryElement(int row) {
        int head = kvHead * group + (firstRow + row) % group;
        return ((long) queryToken(row) * parameters.heads() + head) * headDim;
    }

    private int position(int row) {
        return sequences.position(sequence, queryToken(row));
    }

    private int firstVisible(int row) {
        return Math.max(0, position(row) - parameters.window() + 1);
    }

    /** Slots behind the end of the context are zeros here: masked out, but they must not bring a stray NaN. */
    private void readPage(int page) {
        int filled = Math.min(PAGE_TOKENS, sequences.contextLength(sequence) - page * PAGE_TOKENS);
        long slot = (long) sequences.page(sequence, page) * PAGE_TOKENS;
        long cacheRow = layout.row(slot, kvHead);
        for (int token = 0; token < PAGE_TOKENS; token++) {
            if (token < filled) {
                operands.values().read(cacheRow + token, kvHead, headDim, values, token * valueStride);
            } else {
                Arrays.fill(values, token * valueStride, (token + 1) * valueStride, 0);
            }
        }
        for (int token = 0; token < PAGE_TOKENS; token += LANES) {
            for (int lane = 0; lane < LANES; lane++) {
                if (token + lane < filled) {
                    operands.keys().read(cacheRow + token + lane, kvHead, headDim, keyRows, lane * headDim);
                } else {
                    Arrays.fill(keyRows, lane * headDim, (lane + 1) * headDim, 0);
                }
            }
            int panel = token / MicroKernel.COLUMNS * MicroKernel.COLUMNS;
            int at = panel * headDim + token - panel;
            Transpose.intoColumns(keyRows, headDim, headDim, keys, at, MicroKernel.COLUMNS);
        }
    }

    private void attendTile(int row, int end, int firstPosition) {
        for (int token = 0; token < PAGE_TOKENS; token += MicroKernel.COLUMNS) {
            MicroKernel.multiply(
                    queries,
                    row * headDim,
                    headDim,
                    keys,
                    token * headDim,
                    MicroKernel.COLUMNS,
                    headDim,
                    scores,
                    token,
                    PAGE_TOKENS,
                    true);
        }
        if (parameters.softcap() != 0) {
            capScores();
        }
        for (int i = row; i < end; i++) {
            int from = Math.max(firstVisible(i) - firstPosition, 0);
            int to = Math.min(position(i) - firstPosition + 1, PAGE_TOKENS);
            weigh(i, (i - row) * PAGE_TOKENS, from, to);
        }
        for (int column = 0; column < valueStride; column += MicroKernel.COLUMNS) {
            MicroKernel.multiply(
                    scores,
                    0,
                    PAGE_TOKENS,
                    values,
                    column,
                    valueStride,
                    PAGE_TOKENS,
                    sums,
                    row * valueStride + column,
                    valueStride,
                    false);
        }
    }

    /** {@code c tanh(s / c) = c - 2 c / (e^(2 s / c) + 1)}, of scores that are not scaled yet. */
    private void capScores() {
        float cap = parameters.softcap() / parameters.scale();
        float factor = 2 / cap;
        for (int i = 0; i < MicroKernel.ROWS * PAGE_TOKENS; i += LANES) {
            FloatVector.fromArray(FLOATS, scores, i).mul(factor).intoArray(scores, i);
        }
        Exponential.exp(scores, 0, MicroKernel.ROWS * PAGE_TOKENS, 0);
        for (int i = 0; i < MicroKernel.ROWS * PAGE_TOKENS; i += LANES) {
            FloatVector divisor = FloatVector.fromArray(FLOATS, scores, i).add(1f);
            FloatVector capped =
                    broadcast(FLOATS, cap).sub(broadcast(FLOATS, 2 * cap).div(divisor));
            capped.intoArray(scores, i);
        }
    }

    /** Turns a row's scores into weights relative to its new maximum; outside {@code [from, to)} they become 0. */
    private void weigh(int row, int at, int from, int to) {
        if (from >= to) {
            Arrays.fill(scores, at, at + PAGE_TOKENS, 0);
            return;
        }
        Arrays.fill(scores, at, at + from, Float.NEGATIVE_INFINITY);
        Arrays.fill(scores, at + to, at + PAGE_TOKENS, Float.NEGATIVE_INFINITY);
        float max = Math.max(maxima[row], scaleScores(at));
        if (max != maxima[row]) {
            factor[0] = maxima[row];
            Exponential.exp(factor, 0, 1, max);
            maxima[row] = max;
            multiply(sums, row * valueStride, valueStride, factor[0]);
            multiply(weights, row * LANES, LANES, factor[0]);
        }
        Exponential.exp(scores, at, PAGE_TOKENS, max);
        addWeights(row, at);
    }

    /** Returns the largest. */
    private float scaleScores(int at) {
        FloatVector max = broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int i = at; i < at + PAGE_TOKENS; i += LANES) {
            FloatVector score = FloatVector.fromArray(FLOATS, scores, i).mul(parameters.scale());
            score.intoArray(scores, i);
            max = max.max(score);
        }
        return max.reduceLanes(VectorOperators.MAX);
    }

    private static void multiply(float[] values, int at, int count, float factor) {
        for (int i = at; i < at + count; i += LANES) {
            FloatVector.fromArray(FLOATS, values, i).mul(factor).intoArray(values, i);
        }
    }

    private void addWeights(int row, int at) {
        FloatVector sum = FloatVector.fromArray(FLOATS, weights, row * LANES);
        for (int i = at; i < at + PAGE_TOKENS; i += LANES) {
            sum = sum.add(FloatVector.fromArray(FLOATS, scores, i));
        }
        sum.intoArray(weights, row * LANES);
    }

    private void writeRow(int row) {
        float total = Lanes.sum(FloatVector.fromArray(FLOATS, weights, row * LANES));
        long target = operands.out() + queryElement(row) * Float.BYTES;
        int i = 0;
        for (; i + LANES <= headDim; i += LANES) {
            FloatVector sum = FloatVector.fromArray(FLOATS, sums, row * valueStride + i);
            Native.store(sum.div(total), target + (long) i * Float.BYTES);
        }
        for (; i < headDim; i++) {
            Native.setFloat(target + (long) i * Float.BYTES, sums[row * valueStride + i] / total);
        }
    }
}
