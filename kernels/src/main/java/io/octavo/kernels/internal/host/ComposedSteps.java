package io.octavo.kernels.internal.host;

import io.octavo.kernels.attention.Attention;
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

/** One operation after another: what the steps of other backends are measured by. */
public final class ComposedSteps implements FusedSteps {

    private final Add add;
    private final RmsNorm rmsNorm;
    private final Convert convert;
    private final QuantizeRows quantizeRows;
    private final GatedActivation gatedActivation;
    private final Rope rope;
    private final KvCacheWrite kvCacheWrite;
    private final Attention attention;

    /** Nobody looks: what is not finite shows itself later. */
    private final Matrix nonFinite;

    public ComposedSteps(
            Add add,
            RmsNorm rmsNorm,
            Convert convert,
            QuantizeRows quantizeRows,
            GatedActivation gatedActivation,
            Rope rope,
            KvCacheWrite kvCacheWrite,
            Attention attention) {
        this.add = add;
        this.rmsNorm = rmsNorm;
        this.convert = convert;
        this.quantizeRows = quantizeRows;
        this.gatedActivation = gatedActivation;
        this.rope = rope;
        this.kvCacheWrite = kvCacheWrite;
        this.attention = attention;
        Arena arena = Arena.ofAuto();
        this.nonFinite =
                Matrix.of(HostBuffer.borrowing("fused steps", arena.allocate(DType.I32.bytes())), DType.I32, 1, 1);
    }

    @Override
    public void normalize(Normalization arguments, Stream stream) {
        if (arguments.addend() != null) {
            add.accumulate(arguments.x(), arguments.addend(), stream);
        }
        boolean plain = arguments.rounded().codes().dtype() == DType.F32;
        Matrix normalized = plain ? arguments.rounded().codes() : arguments.scratch();
        rmsNorm.normalize(
                arguments.x(), arguments.weight(), arguments.gainOffset(), arguments.epsilon(), normalized, stream);
        if (!plain) {
            round(normalized, arguments.rounded(), arguments.divisor(), stream);
        }
    }

    @Override
    public void activate(Activation arguments, Stream stream) {
        boolean plain = arguments.rounded().codes().dtype() == DType.F32;
        Matrix activated = plain ? arguments.rounded().codes() : arguments.gate();
        gatedActivation.apply(arguments.function(), arguments.gate(), arguments.up(), activated, stream);
        if (!plain) {
            round(activated, arguments.rounded(), arguments.divisor(), stream);
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
    public void rotateAndWrite(RotatedWrite arguments, Stream stream) {
        for (Matrix x : new Matrix[] {arguments.q(), arguments.k()}) {
            rope.rotate(
                    x,
                    arguments.rotation().positions(),
                    arguments.rotation().cos(),
                    arguments.rotation().sin(),
                    arguments.layout().headDim(),
                    stream);
        }
        kvCacheWrite.write(arguments.k(), arguments.slots(), arguments.layout(), arguments.keys(), stream);
        kvCacheWrite.write(arguments.v(), arguments.slots(), arguments.layout(), arguments.values(), stream);
    }

    @Override
    public void attend(Attention.Arguments arguments, Matrix rounded, Stream stream) {
        FusedSteps.checkAttended(arguments, rounded);
        attention.attend(arguments, stream);
        convert.convert(arguments.out(), rounded, stream);
    }
}
