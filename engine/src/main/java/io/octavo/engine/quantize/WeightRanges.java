package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.Backend;
import io.octavo.kernels.DType;
import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The largest magnitudes of whole weights, joined over modules that share a scale; each weight is read once for it, by
 * whichever of several threads asks first.
 */
final class WeightRanges {

    private final Backend backend;
    private final Stream stream;
    private final Map<String, Quantize> steps = new HashMap<>();
    private final ConcurrentHashMap<List<String>, Float> known;
    private final long chunkBytes;

    /**
     * @param known what was found, which others may share
     * @param chunkBytes source bytes looked at together
     */
    WeightRanges(
            Backend backend,
            Stream stream,
            QuantizationPlan plan,
            ConcurrentHashMap<List<String>, Float> known,
            long chunkBytes) {
        this.backend = backend;
        this.known = known;
        this.stream = stream;
        this.chunkBytes = chunkBytes;
        plan.quantized().forEach(step -> steps.put(step.module(), step));
    }

    /** @throws QuantizationException {@code TENSOR_NOT_FINITE} */
    float absmax(Quantize step) {
        return known.computeIfAbsent(step.sharing(), modules -> {
            float absmax = 0;
            for (String module : modules) {
                absmax = Math.max(absmax, compute(module));
            }
            return absmax;
        });
    }

    private float compute(String module) {
        Quantize step = steps.get(module);
        if (step == null) {
            throw new IllegalStateException("no step quantizes " + module);
        }
        TensorInfo weight = step.source().info();
        long rowBytes = step.inFeatures() * weight.dtype().bytes();
        long rows = Math.clamp(chunkBytes / rowBytes, 1, step.outFeatures());
        float absmax;
        try (DeviceBuffer buffer = backend.allocate("quantize", 2L * Float.BYTES);
                Arena host = Arena.ofShared()) {
            Matrix range = Matrix.of(buffer, DType.F32, 1, 2);
            for (long from = 0; from < step.outFeatures(); from += rows) {
                long to = Math.min(from + rows, step.outFeatures());
                try (Arena window = Arena.ofShared();
                        DeviceBuffer source = backend.place(
                                "weight",
                                step.source().shard().map(weight, from * rowBytes, to * rowBytes, window),
                                stream)) {
                    backend.observeRange()
                            .observe(Matrix.of(source, weight.dtype(), to - from, step.inFeatures()), range, stream);
                    stream.synchronize();
                }
            }
            MemorySegment numbers = host.allocate(2L * Float.BYTES, Float.BYTES);
            buffer.copyTo(numbers, 0, stream);
            stream.synchronize();
            absmax = Math.max(
                    -numbers.getAtIndex(ValueLayout.JAVA_FLOAT, 0), numbers.getAtIndex(ValueLayout.JAVA_FLOAT, 1));
        }
        if (!Float.isFinite(absmax)) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE, "tensor " + weight.name() + " holds NaN or infinity");
        }
        return absmax;
    }
}
