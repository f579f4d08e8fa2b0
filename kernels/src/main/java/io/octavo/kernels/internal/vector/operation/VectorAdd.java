package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.operation.Add;
import jdk.incubator.vector.FloatVector;

public final class VectorAdd implements Add {

    private final WorkerPool workers;

    public VectorAdd(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void add(Matrix target, Matrix x, float sign, Stream stream) {
        HostStream.require(stream);
        Add.check(target, x);
        int columns = (int) target.columns();
        long targetAt = Native.address(target);
        long xAt = Native.address(x);
        long xRowBytes = x.rows() == 1 ? 0 : Matrix.bytes(x.dtype(), 1, columns);
        workers.runRanges(target.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] addend = scratch.floats(Scratch.Use.ROWS, columns);
            for (long row = from; row < to; row++) {
                RowReader.read(x.dtype(), xAt + row * xRowBytes, columns, addend, 0);
                add(targetAt + row * columns * Float.BYTES, addend, sign, columns);
            }
        });
    }

    private static void add(long target, float[] addend, float sign, int columns) {
        int c = 0;
        for (; c + LANES <= columns; c += LANES) {
            long at = target + (long) c * Float.BYTES;
            Native.store(
                    FloatVector.fromArray(Native.FLOATS, addend, c).mul(sign).add(Native.load(at)), at);
        }
        for (; c < columns; c++) {
            long at = target + (long) c * Float.BYTES;
            Native.setFloat(at, Native.getFloat(at) + sign * addend[c]);
        }
    }
}
