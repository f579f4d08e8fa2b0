package io.octavo.kernels.internal.vector.product;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.internal.vector.base.Lanes;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * The product for few rows of activations, as in decoding: bound by reading the weight. Each weight row is multiplied
 * with every activation row while it lies in the nearest cache.
 */
final class DotProducts {

    /** From here on packing the weight for {@link BlockedProduct} pays. */
    static final int MAX_ROWS = 8;

    private static final long MIN_BYTES_PER_PIECE = 1 << 17;

    /** Sums that run side by side, to hide the latency of the multiply-add. */
    private static final int UNROLL = 4 * LANES;

    private final WorkerPool workers;

    DotProducts(WorkerPool workers) {
        this.workers = workers;
    }

    void multiply(Operand a, Operand w, long target, int m, int n, int k) {
        int padded = Math.ceilDiv(k, UNROLL) * UNROLL;
        float[] activations = new float[Math.multiplyExact(m, padded)];
        for (int row = 0; row < m; row++) {
            a.readRow(row, 0, k, activations, row * padded);
        }
        if (w.isPlainBf16()) {
            multiplyBf16(activations, padded, a, w, target, m, n, k);
        } else {
            multiplyAny(activations, padded, a, w, target, m, n, k);
        }
    }

    private void multiplyBf16(float[] activations, int stride, Operand a, Operand w, long target, int m, int n, int k) {
        int sorted = k - k % Bf16Dots.BLOCK;
        for (int row = 0; row < m; row++) {
            Bf16Dots.sort(activations, row * stride, sorted);
        }
        workers.runRanges(n, grain(w), (from, to, scratch) -> {
            float[] rest = scratch.floats(Scratch.Use.WEIGHTS, Bf16Dots.BLOCK);
            for (long column = from; column < to; column++) {
                w.readRow(column, sorted, k - sorted, rest, 0);
                float scale = w.scaleRow(column);
                for (int row = 0; row < m; row++) {
                    float sum = Bf16Dots.dot(w.rowAddress(column), activations, row * stride, sorted);
                    for (int i = sorted; i < k; i++) {
                        sum = Math.fma(activations[row * stride + i], rest[i - sorted], sum);
                    }
                    Native.setFloat(target + ((long) row * n + column) * Float.BYTES, sum * scale * a.scaleRow(row));
                }
            }
        });
    }

    private static long grain(Operand w) {
        return MIN_BYTES_PER_PIECE / Math.max(w.rowBytes(), 1);
    }

    private void multiplyAny(float[] activations, int padded, Operand a, Operand w, long target, int m, int n, int k) {
        workers.runRanges(n, grain(w), (from, to, scratch) -> {
            float[] weights = scratch.floats(Scratch.Use.WEIGHTS, padded);
            Arrays.fill(weights, k, padded, 0);
            for (long column = from; column < to; column++) {
                w.readRow(column, 0, k, weights, 0);
                float scale = w.scaleRow(column);
                for (int row = 0; row < m; row++) {
                    float sum = dot(activations, row * padded, weights, padded);
                    Native.setFloat(target + ((long) row * n + column) * Float.BYTES, sum * scale * a.scaleRow(row));
                }
            }
        });
    }

    /** @param padded a multiple of {@link #UNROLL} */
    private static float dot(float[] a, int aAt, float[] b, int padded) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = FloatVector.zero(FLOATS);
        FloatVector sum2 = FloatVector.zero(FLOATS);
        FloatVector sum3 = FloatVector.zero(FLOATS);
        for (int i = 0; i < padded; i += UNROLL) {
            sum0 = load(a, aAt + i).fma(load(b, i), sum0);
            sum1 = load(a, aAt + i + LANES).fma(load(b, i + LANES), sum1);
            sum2 = load(a, aAt + i + 2 * LANES).fma(load(b, i + 2 * LANES), sum2);
            sum3 = load(a, aAt + i + 3 * LANES).fma(load(b, i + 3 * LANES), sum3);
        }
        return Lanes.sum(sum0.add(sum1).add(sum2.add(sum3)));
    }

    private static FloatVector load(float[] array, int at) {
        return FloatVector.fromArray(FLOATS, array, at);
    }
}
