package io.octavo.kernels.internal.vector.attention;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

public final class VectorRope implements Rope {

    private final WorkerPool workers;

    public VectorRope(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void rotate(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim, Stream stream) {
        HostStream.require(stream);
        Rope.check(x, positions, cos, sin, headDim);
        int columns = (int) x.columns();
        int half = (int) cos.columns();
        long xAt = Native.address(x);
        long positionsAt = Native.address(positions);
        long cosAt = Native.address(cos);
        long sinAt = Native.address(sin);
        for (long token = 0; token < x.rows(); token++) {
            Operands.requireIndex("position", Native.getInt(positionsAt + token * Integer.BYTES), cos.rows());
        }
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            for (long token = from; token < to; token++) {
                long table = (long) Native.getInt(positionsAt + token * Integer.BYTES) * half * Float.BYTES;
                for (int head = 0; head < columns; head += headDim) {
                    long at = xAt + (token * columns + head) * Float.BYTES;
                    rotateHead(at, half, cosAt + table, sinAt + table);
                }
            }
        });
    }

    private static void rotateHead(long head, int half, long cos, long sin) {
        long halfBytes = (long) half * Float.BYTES;
        int i = 0;
        for (; i + LANES <= half; i += LANES) {
            long at = (long) i * Float.BYTES;
            FloatVector first = Native.load(head + at);
            FloatVector second = Native.load(head + halfBytes + at);
            FloatVector c = Native.load(cos + at);
            FloatVector s = Native.load(sin + at);
            Native.store(first.mul(c).sub(second.mul(s)), head + at);
            Native.store(second.mul(c).add(first.mul(s)), head + halfBytes + at);
        }
        if (i < half) {
            long at = (long) i * Float.BYTES;
            VectorMask<Float> rest = FLOATS.indexInRange(i, half);
            FloatVector first = Native.load(head + at, rest);
            FloatVector second = Native.load(head + halfBytes + at, rest);
            FloatVector c = Native.load(cos + at, rest);
            FloatVector s = Native.load(sin + at, rest);
            Native.store(first.mul(c).sub(second.mul(s)), head + at, rest);
            Native.store(second.mul(c).add(first.mul(s)), head + halfBytes + at, rest);
        }
    }
}
