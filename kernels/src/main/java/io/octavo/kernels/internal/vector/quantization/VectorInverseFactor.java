package io.octavo.kernels.internal.vector.quantization;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Lanes;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.InverseFactor;
import jdk.incubator.vector.FloatVector;

/**
 * In place. Threads share out rows of the steps of some columns, and columns of the inverse; sums are of f32 in a fixed order,
 * however many go together.
 */
public final class VectorInverseFactor implements InverseFactor {

    /** Columns of the root that go together: a row is read once for all of them, whose own rows stay in a cache meanwhile. */
    private static final int ROOTS = 16;

    /** Columns of the inverse that a thread computes at a time. */
    private static final int COLUMNS = 16;

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
            var own = new Square(Native.address(matrices) + (long) matrix * n * n * Float.BYTES, n);
            Native.setInt(Native.address(failures) + (long) matrix * Integer.BYTES, own.root());
            own.invert();
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

    /** An upper triangle, in place. */
    private final class Square {

        private final long at;
        private final int n;

        Square(long at, int n) {
            this.at = at;
            this.n = n;
        }

        private long at(int row, int column) {
            return at + ((long) row * n + column) * Float.BYTES;
        }

        /**
         * Columns from the last on. Some at a time, a row of what is before them is read once for all.
         *
         * @return 1 + the first that failed, or 0
         */
        int root() {
            float[][] pivots = new float[Math.min(ROOTS, n)][n];
            int failure = 0;
            for (int end = n; end > 0; end -= ROOTS) {
                int start = Math.max(end - ROOTS, 0);
                int last = end - 1;
                for (int j = last; j >= start; j--) {
                    float[] own = pivots[j - start];
                    solve(j, last, j + 1, pivots, start);
                    RowReader.read(DType.F32, at(j, j), n - j, own, 0);
                    float pivot = own[0] - dot(at(j, j + 1), own, 1, n - j - 1);
                    if (!(pivot > 0)) {
                        failure = failure == 0 ? j + 1 : failure;
                        pivot = 1;
                    }
                    own[0] = (float) Math.sqrt(pivot);
                    Native.setFloat(at(j, j), own[0]);
                }
                workers.runRanges(start, Grain.rows(n - start), (from, to, scratch) -> {
                    for (int i = (int) from; i < to; i++) {
                        solve(i, last, start, pivots, start);
                    }
                });
            }
            return failure;
        }

        /** @param pivots rows from {@code first} on, each from its diagonal on */
        private void solve(int row, int last, int to, float[][] pivots, int first) {
            for (int j = last; j >= to; j--) {
                float[] pivot = pivots[j - first];
                float sum = dot(at(row, j + 1), pivot, 1, n - j - 1);
                Native.setFloat(at(row, j), (Native.getFloat(at(row, j)) - sum) / pivot[0]);
            }
        }

        /** Columns from the last on, which those before them do not need any more. */
        void invert() {
            int most = COLUMNS * workers.threads();
            float[][] columns = new float[Math.min(most, n)][n];
            for (int end = n; end > 0; end -= most) {
                int start = Math.max(end - most, 0);
                workers.runRanges(end - start, COLUMNS, (from, to, scratch) -> {
                    for (int i = start + (int) to - 1; i >= 0; i--) {
                        for (int j = Math.max(start + (int) from, i); j < start + to; j++) {
                            float[] column = columns[j - start];
                            float sum = dot(at(i, i + 1), column, i + 1, j - i);
                            column[i] = ((i == j ? 1 : 0) - sum) / Native.getFloat(at(i, i));
                        }
                    }
                });
                for (int i = 0; i < end; i++) {
                    for (int j = Math.max(start, i); j < end; j++) {
                        Native.setFloat(at(i, j), columns[j - start][i]);
                    }
                }
            }
        }
    }

    private static float dot(long aAt, float[] b, int bFrom, int count) {
        float sum = 0;
        int i = 0;
        while (i + LANES <= count) {
            int to = Math.min(i + Grain.PIECE, count - count % LANES);
            sum += dotPiece(aAt + (long) i * Float.BYTES, b, bFrom + i, to - i);
            i = to;
        }
        for (; i < count; i++) {
            sum += Native.getFloat(aAt + (long) i * Float.BYTES) * b[bFrom + i];
        }
        return sum;
    }

    private static float dotPiece(long aAt, float[] b, int bFrom, int count) {
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int i = 0; i < count; i += LANES) {
            FloatVector x = Native.load(aAt + (long) i * Float.BYTES);
            sum = x.mul(FloatVector.fromArray(FLOATS, b, bFrom + i)).add(sum);
        }
        return Lanes.sum(sum);
    }
}
