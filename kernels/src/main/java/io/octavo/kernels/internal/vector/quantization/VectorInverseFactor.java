package io.octavo.kernels.internal.vector.quantization;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Lanes;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.quantization.InverseFactor;
import jdk.incubator.vector.FloatVector;

/** Threads share out rows of every column's step, and columns of the inverse; sums are of f32 in a fixed order. */
public final class VectorInverseFactor implements InverseFactor {

    private final WorkerPool workers;

    public VectorInverseFactor(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void factor(Matrix matrices, Matrix failures, Stream stream) {
        HostStream.require(stream);
        InverseFactor.check(matrices, failures);
        int n = (int) matrices.columns();
        for (int matrix = 0; matrix < failures.columns(); matrix++) {
            long at = Native.address(matrices) + (long) matrix * n * n * Float.BYTES;
            float[][] r = new float[n][];
            for (int i = 0; i < n; i++) {
                r[i] = new float[n - i];
                for (int j = i; j < n; j++) {
                    r[i][j - i] = Native.getFloat(at + ((long) i * n + j) * Float.BYTES);
                }
            }
            Native.setInt(Native.address(failures) + (long) matrix * Integer.BYTES, root(r));
            invert(r, at);
        }
    }

    @Override
    public void triangle(Matrix u, boolean transposed, Matrix out, Stream stream) {
        HostStream.require(stream);
        InverseFactor.checkTriangle(u, out);
        long n = u.columns();
        long from = Native.address(u);
        long to = Native.address(out);
        workers.runRanges(n, Grain.rows((int) n), (first, last, scratch) -> {
            for (long i = first; i < last; i++) {
                for (long j = 0; j < n; j++) {
                    boolean kept = transposed ? j <= i : j >= i;
                    long at = transposed ? j * n + i : i * n + j;
                    float number = kept ? Native.getFloat(from + at * Float.BYTES) : 0;
                    Native.setFloat(to + (i * n + j) * Float.BYTES, number);
                }
            }
        });
    }

    /** Row i holds its columns from i on; sums of a row lie side by side that way. */
    private int root(float[][] r) {
        int n = r.length;
        int failure = 0;
        for (int j = n - 1; j >= 0; j--) {
            float[] own = r[j];
            float pivot = own[0] - dot(own, 1, own, 1, n - j - 1);
            if (!(pivot > 0)) {
                failure = failure == 0 ? j + 1 : failure;
                pivot = 1;
            }
            float root = (float) Math.sqrt(pivot);
            own[0] = root;
            int column = j;
            workers.runRanges(j, Grain.rows(n - j), (from, to, scratch) -> {
                for (int i = (int) from; i < to; i++) {
                    int first = column - i;
                    r[i][first] = (r[i][first] - dot(r[i], first + 1, own, 1, n - column - 1)) / root;
                }
            });
        }
        return failure;
    }

    private void invert(float[][] r, long target) {
        int n = r.length;
        workers.runRanges(n, 1, (from, to, scratch) -> {
            float[] column = new float[n];
            for (int j = (int) from; j < to; j++) {
                for (int i = j; i >= 0; i--) {
                    float sum = dot(r[i], 1, column, i + 1, j - i);
                    column[i] = ((i == j ? 1 : 0) - sum) / r[i][0];
                    Native.setFloat(target + ((long) i * n + j) * Float.BYTES, column[i]);
                }
            }
        });
    }

    private static float dot(float[] a, int aFrom, float[] b, int bFrom, int count) {
        float sum = 0;
        int i = 0;
        while (i + LANES <= count) {
            int to = Math.min(i + Grain.PIECE, count - count % LANES);
            sum += dotPiece(a, aFrom + i, b, bFrom + i, to - i);
            i = to;
        }
        for (; i < count; i++) {
            sum += a[aFrom + i] * b[bFrom + i];
        }
        return sum;
    }

    private static float dotPiece(float[] a, int aFrom, float[] b, int bFrom, int count) {
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int i = 0; i < count; i += LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, a, aFrom + i);
            sum = x.mul(FloatVector.fromArray(FLOATS, b, bFrom + i)).add(sum);
        }
        return Lanes.sum(sum);
    }
}
