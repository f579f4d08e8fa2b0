package io.octavo.engine.quantize;

import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.KvScales;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Scales that calibration leads to: of Linears' inputs and of the KV cache. */
record CalibratedScales(ActivationRanges activations) {

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} if the module never ran */
    void writeInput(ModuleOutputs outputs, SafetensorsWriter writer) {
        Quantization inputs = outputs.scheme().inputs().orElseThrow();
        Range range = activations
                .input(outputs.module())
                .orElseThrow(() -> new QuantizationException(
                        ErrorCode.SCHEME_UNSUITABLE,
                        "calibration never ran module " + outputs.module() + ", whose input scale is to be stored"));
        List<TensorSpec> stored = outputs.inputs();
        DType dtype = stored.getFirst().dtype();
        float scale = inputs.granularity() instanceof Granularity.PerTensorGroup
                ? StoredScales.globalDivisor(range.absmax(), outputs.floats())
                : StoredScales.input(outputs.module(), inputs, range, dtype);
        writer.write(stored.getFirst().name(), 0, StoredScales.bytes(dtype, scale));
        if (stored.size() > 1) {
            byte zeroPoint = StoredScales.zeroPoint(range, scale, inputs.type());
            writer.write(stored.getLast().name(), 0, ByteBuffer.wrap(new byte[] {zeroPoint}));
        }
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
