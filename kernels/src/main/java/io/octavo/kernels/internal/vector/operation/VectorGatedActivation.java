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
import io.octavo.kernels.operation.GatedActivation;
import jdk.incubator.vector.FloatVector;

/**
 * Both functions are {@code x / (1 + e^-argument)}: SiLU's argument is x, and GELU's tanh form has {@code (1 + tanh u) /
 * 2 = 1 / (1 + e^-2u)}. Works on pieces that stay in the nearest cache.
 */
public final class VectorGatedActivation implements GatedActivation {

    private static final int PIECE = 1024;
    private static final float TWICE_ROOT_2_OVER_PI = (float) (2 * Math.sqrt(2 / Math.PI));

    private final WorkerPool workers;

    public VectorGatedActivation(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void apply(Function function, Matrix gate, Matrix up, Matrix out, Stream stream) {
        HostStream.require(stream);
        GatedActivation.check(gate, up, out);
        long gateAt = Native.address(gate);
        long upAt = Native.address(up);
        long outAt = Native.address(out);
        workers.runRanges(gate.elements(), Grain.elements(), (from, to, scratch) -> {
            float[] x = scratch.floats(Scratch.Use.ROWS, PIECE);
            float[] factors = scratch.floats(Scratch.Use.SUMS, PIECE);
            float[] powers = scratch.floats(Scratch.Use.SCORES, PIECE);
            for (long i = from; i < to; i += PIECE) {
                int count = (int) Math.min(PIECE, to - i);
                long offset = i * Float.BYTES;
                RowReader.read(DType.F32, gateAt + offset, count, x, 0);
                RowReader.read(DType.F32, upAt + offset, count, factors, 0);
                switch (function) {
                    case SILU -> siluArguments(x, powers, count);
                    case GELU_TANH -> geluArguments(x, powers, count);
                }
                Exponential.exp(powers, 0, count, 0);
                combine(x, powers, factors, count);
                RowReader.write(factors, 0, count, outAt + offset);
            }
        });
    }

    private static void siluArguments(float[] x, float[] arguments, int count) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector.fromArray(FLOATS, x, i).neg().intoArray(arguments, i);
        }
    }

    private static void geluArguments(float[] x, float[] arguments, int count) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector value = FloatVector.fromArray(FLOATS, x, i);
            FloatVector cubic = value.mul(value).fma(broadcast(FLOATS, 0.044715f), broadcast(FLOATS, 1f));
            cubic.mul(value).mul(-TWICE_ROOT_2_OVER_PI).intoArray(arguments, i);
        }
    }

    /** {@code factors = x / (1 + powers) * factors}. */
    private static void combine(float[] x, float[] powers, float[] factors, int count) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector divisor = FloatVector.fromArray(FLOATS, powers, i).add(1f);
            FloatVector.fromArray(FLOATS, x, i)
                    .div(divisor)
                    .mul(FloatVector.fromArray(FLOATS, factors, i))
                    .intoArray(factors, i);
        }
    }
}
