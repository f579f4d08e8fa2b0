package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static jdk.incubator.vector.FloatVector.broadcast;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Exponential;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.Softcap;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * With {@code y = x / cap}: {@code tanh y = 1 - 2 / (e^(2 y) + 1)}, which cancels near 0; there Lambert's continued
 * fraction to {@code y^5 / y^4} takes over, whose relative error up to 3/4 is below 2^-27.
 */
public final class VectorSoftcap implements Softcap {

    private static final int PIECE = 1024;
    private static final float FRACTION_UP_TO = 0.75f;

    private final WorkerPool workers;

    public VectorSoftcap(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void cap(Matrix x, float cap, Stream stream) {
        HostStream.require(stream);
        Softcap.check(x, cap);
        long xAt = Native.address(x);
        workers.runRanges(x.elements(), Grain.elements(), (from, to, scratch) -> {
            float[] values = scratch.floats(Scratch.Use.ROWS, PIECE);
            float[] powers = scratch.floats(Scratch.Use.SCORES, PIECE);
            for (long i = from; i < to; i += PIECE) {
                int count = (int) Math.min(PIECE, to - i);
                long address = xAt + i * Float.BYTES;
                RowReader.read(DType.F32, address, count, values, 0);
                for (int at = 0; at < count; at += LANES) {
                    FloatVector y = FloatVector.fromArray(FLOATS, values, at).div(cap);
                    y.intoArray(values, at);
                    y.add(y).intoArray(powers, at);
                }
                Exponential.exp(powers, 0, count, 0);
                capPiece(values, powers, cap, count);
                RowReader.write(values, 0, count, address);
            }
        });
    }

    private static void capPiece(float[] values, float[] powers, float cap, int count) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector y = FloatVector.fromArray(FLOATS, values, i);
            FloatVector square = y.mul(y);
            FloatVector above = square.add(105f).fma(square, broadcast(FLOATS, 945f));
            FloatVector below = square.mul(15f).add(420f).fma(square, broadcast(FLOATS, 945f));
            FloatVector divisor = FloatVector.fromArray(FLOATS, powers, i).add(1f);
            FloatVector tanh = broadcast(FLOATS, 1f).sub(broadcast(FLOATS, 2f).div(divisor));
            tanh.blend(y.mul(above).div(below), y.abs().compare(VectorOperators.LT, FRACTION_UP_TO))
                    .mul(cap)
                    .intoArray(values, i);
        }
    }
}
