package io.octavo.kernels.internal.host;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.Add;
import io.octavo.kernels.operation.Convert;
import io.octavo.kernels.operation.FusedSteps;
import io.octavo.kernels.operation.GatedActivation;
import io.octavo.kernels.operation.RmsNorm;
import io.octavo.kernels.quantization.QuantizeRows;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/** One operation after another: what the steps of other backends are measured by. */
public final class ComposedSteps implements FusedSteps {

    private final Add add;
    private final RmsNorm rmsNorm;
    private final Convert convert;
    private final QuantizeRows quantizeRows;
    private final GatedActivation gatedActivation;
    private final Rope rope;
    private final KvCacheWrite kvCacheWrite;

    /** Nobody looks: what is not finite shows itself later. */
    private final Matrix nonFinite;

    public ComposedSteps(
            Add add,
            RmsNorm rmsNorm,
            Convert convert,
            QuantizeRows quantizeRows,
            GatedActivation gatedActivation,
            Rope rope,
            KvCacheWrite kvCacheWrite) {
        this.add = add;
        this.rmsNorm = rmsNorm;
        this.convert = convert;
        this.quantizeRows = quantizeRows;
        this.gatedActivation = gatedActivation;
        this.rope = rope;
        this.kvCacheWrite = kvCacheWrite;
        Arena arena = Arena.ofAuto();
        this.nonFinite =
                Matrix.of(HostBuffer.borrowing("fused steps", arena.allocate(DType.I32.bytes())), DType.I32, 1, 1);
    }

    @Override
    public void normalize(
            Matrix x,
            @Nullable Matrix addend,
            Matrix weight,
            float gainOffset,
            float epsilon,
            Matrix scratch,
            ScaledMatrix rounded,
            float divisor,
            Stream stream) {
        FusedSteps.checkNormalize(x, addend, weight, scratch, rounded, divisor);
        if (addend != null) {
            add.accumulate(x, addend, stream);
        }
        boolean plain = rounded.codes().dtype() == DType.F32;
        Matrix normalized = plain ? rounded.codes() : scratch;
        rmsNorm.normalize(x, weight, gainOffset, epsilon, normalized, stream);
        if (!plain) {
            round(normalized, rounded, divisor, stream);
        }
    }

    @Override
    public void activate(
            GatedActivation.Function function,
            Matrix gate,
            Matrix up,
            ScaledMatrix rounded,
            float divisor,
            Stream stream) {
        FusedSteps.checkActivate(gate, up, rounded, divisor);
        boolean plain = rounded.codes().dtype() == DType.F32;
        Matrix activated = plain ? rounded.codes() : gate;
        gatedActivation.apply(function, gate, up, activated, stream);
        if (!plain) {
            round(activated, rounded, divisor, stream);
        }
    }

    private void round(Matrix x, ScaledMatrix rounded, float divisor, Stream stream) {
        Matrix scales = rounded.scales();
        if (scales == null) {
            convert.convert(x, rounded.codes(), stream);
        } else {
            quantizeRows.quantize(x, rounded.codes(), scales, divisor, nonFinite, stream);
        }
    }

    @Override
    public void rotateAndWrite(
            Matrix q,
            Matrix k,
            Matrix v,
            Rotation rotation,
            Matrix slots,
            KvCacheLayout layout,
            KvCacheTensor keys,
            KvCacheTensor values,
            Stream stream) {
        FusedSteps.checkRotateAndWrite(q, k, v, rotation, slots, layout, keys, values);
        for (Matrix x : new Matrix[] {q, k}) {
            rope.rotate(x, rotation.positions(), rotation.cos(), rotation.sin(), layout.headDim(), stream);
        }
        kvCacheWrite.write(k, slots, layout, keys, stream);
        kvCacheWrite.write(v, slots, layout, values, stream);
    }
}
