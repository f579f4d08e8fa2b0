package io.octavo.kernels.internal.vector;

import static io.octavo.kernels.internal.vector.Native.FLOATS;
import static io.octavo.kernels.internal.vector.Native.LANES;

import io.octavo.kernels.GatedActivation;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;
import io.octavo.kernels.internal.host.HostStream;
import jdk.incubator.vector.VectorMask;

final class VectorGatedActivation implements GatedActivation {

    private final WorkerPool workers;

    VectorGatedActivation(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void apply(Function function, Matrix gate, Matrix up, Matrix out, Stream stream) {
        HostStream.require(stream);
        Operands.checkGatedActivation(gate, up, out);
        long gateAt = Native.address(gate);
        long upAt = Native.address(up);
        long outAt = Native.address(out);
        workers.runRanges(gate.elements(), Grain.elements(), (from, to, scratch) -> {
            long offset = from * Float.BYTES;
            switch (function) {
                case SILU -> silu(gateAt + offset, upAt + offset, outAt + offset, to - from);
                case GELU_TANH -> geluTanh(gateAt + offset, upAt + offset, outAt + offset, to - from);
            }
        });
    }

    private static void silu(long gate, long up, long out, long count) {
        long i = 0;
        for (; i + LANES <= count; i += LANES) {
            long at = i * Float.BYTES;
            Native.store(Exponential.silu(Native.load(gate + at)).mul(Native.load(up + at)), out + at);
        }
        VectorMask<Float> rest = FLOATS.indexInRange(i, count);
        long at = i * Float.BYTES;
        Native.store(Exponential.silu(Native.load(gate + at, rest)).mul(Native.load(up + at, rest)), out + at, rest);
    }

    private static void geluTanh(long gate, long up, long out, long count) {
        long i = 0;
        for (; i + LANES <= count; i += LANES) {
            long at = i * Float.BYTES;
            Native.store(Exponential.geluTanh(Native.load(gate + at)).mul(Native.load(up + at)), out + at);
        }
        VectorMask<Float> rest = FLOATS.indexInRange(i, count);
        long at = i * Float.BYTES;
        Native.store(
                Exponential.geluTanh(Native.load(gate + at, rest)).mul(Native.load(up + at, rest)), out + at, rest);
    }
}
