package io.octavo.engine.quantize;

import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.quantize.QuantizationPlan.KvScales;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Scales that calibration leads to: of Linears' inputs and of the KV cache. */
record CalibratedScales(ActivationRanges activations) {

    /**
     * What of a Linear's inputs is stored.
     *
     * @param scale global ones divide
     */
    private record Stored(float scale, byte zeroPoint) {}

    private Stored stored(ModuleOutputs outputs, Quantization inputs) {
        Range range = activations
                .input(outputs.module())
                .orElseThrow(() -> new QuantizationException(
                        ErrorCode.SCHEME_UNSUITABLE,
                        "calibration never ran module " + outputs.module() + ", whose input scale is to be stored"));
        if (isGlobal(inputs)) {
            StoredScales.requireDivided("the inputs of " + outputs.module(), range.absmax());
            return new Stored(StoredScales.globalDivisor(range.absmax(), outputs.floats()), (byte) 0);
        }
        DType dtype = outputs.inputs().getFirst().dtype();
        float scale = StoredScales.input(outputs.module(), inputs, range, dtype);
        return new Stored(scale, inputs.symmetric() ? 0 : StoredScales.zeroPoint(range, scale, inputs.type()));
    }

    private static boolean isGlobal(Quantization inputs) {
        return inputs.granularity() instanceof Granularity.PerTensorGroup;
    }

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} if the module never ran */
    void writeInput(ModuleOutputs outputs, SafetensorsWriter writer) {
        Stored found = stored(outputs, outputs.scheme().inputs().orElseThrow());
        List<TensorSpec> tensors = outputs.inputs();
        TensorSpec scale = tensors.getFirst();
        writer.write(scale.name(), 0, StoredScales.bytes(scale.dtype(), found.scale));
        if (tensors.size() > 1) {
            writer.write(tensors.getLast().name(), 0, ByteBuffer.wrap(new byte[] {found.zeroPoint}));
        }
    }

    /**
     * How the same numbers are run; empty where none are stored.
     *
     * @throws QuantizationException {@code SCHEME_UNSUITABLE} if the module never ran
     */
    Optional<InputScale> input(ModuleOutputs outputs) {
        return outputs.scheme().inputs().filter(Quantization::isCalibrated).map(inputs -> {
            Stored found = stored(outputs, inputs);
            return new InputScale(isGlobal(inputs) ? 1 / found.scale : found.scale, found.zeroPoint);
        });
    }

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} if the layer never ran */
    void writeKv(KvScales action, Quantization cache, SafetensorsWriter writer) {
        writer.write(
                action.keys().name(), 0, kv(action, cache, activations.keys().get(action.layer())));
        writer.write(
                action.values().name(),
                0,
                kv(action, cache, activations.values().get(action.layer())));
    }

    private static ByteBuffer kv(KvScales action, Quantization cache, @Nullable List<Range> heads) {
        if (heads == null) {
            throw new QuantizationException(ErrorCode.SCHEME_UNSUITABLE, "calibration never ran " + action.attention());
        }
        List<Range> ranges = cache.granularity() instanceof Granularity.PerHead
                ? heads
                : List.of(heads.stream().reduce(Range::union).orElseThrow());
        float[] scales = new float[ranges.size()];
        for (int i = 0; i < scales.length; i++) {
            scales[i] =
                    StoredScales.symmetric(action.attention(), ranges.get(i).absmax(), cache.type(), action.dtype());
        }
        return StoredScales.bytes(action.dtype(), scales);
    }
}
