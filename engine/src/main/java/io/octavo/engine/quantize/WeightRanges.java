package io.octavo.engine.quantize;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The largest magnitudes of whole weights, joined over modules that share a scale; each weight is read once for it, by
 * whichever of several threads asks first.
 */
final class WeightRanges {

    /** Smallest and largest number that E4M3 holds with all its bits: codes of FP8, scales of NVFP4's groups. */
    private static final float LEAST_SHARE = 0x1p-6f / 448;

    private final Backend backend;
    private final Stream stream;
    private final Map<String, Quantize> actions = new HashMap<>();
    private final ConcurrentHashMap<List<String>, Float> known;
    private final StagedBuffer source;
    private final long chunkBytes;

    /**
     * @param known what was found, which others may share
     * @param source borrowed; holds {@link #mostBytes} of every action
     * @param chunkBytes source bytes looked at together
     */
    WeightRanges(
            Backend backend,
            Stream stream,
            QuantizationPlan plan,
            ConcurrentHashMap<List<String>, Float> known,
            StagedBuffer source,
            long chunkBytes) {
        this.backend = backend;
        this.known = known;
        this.stream = stream;
        this.source = source;
        this.chunkBytes = chunkBytes;
        plan.quantized().forEach(action -> actions.put(action.module(), action));
    }

    /** Source bytes of an action that are looked at together. */
    static long mostBytes(Quantize action, long chunkBytes) {
        return rows(action, chunkBytes) * rowBytes(action);
    }

    private static long rows(Quantize action, long chunkBytes) {
        return Math.clamp(chunkBytes / rowBytes(action), 1, action.outFeatures());
    }

    private static long rowBytes(Quantize action) {
        return action.inFeatures() * action.source().info().dtype().bytes();
    }

    /** @throws QuantizationException {@code TENSOR_NOT_FINITE} or {@code SCHEME_UNSUITABLE} */
    float absmax(Quantize action) {
        return known.computeIfAbsent(action.sharing(), modules -> {
            var each = new LinkedHashMap<String, Float>();
            modules.forEach(module -> each.put(module, compute(module)));
            float absmax = Collections.max(each.values());
            StoredScales.requireWhole(action, absmax);
            each.forEach((module, own) -> requireHeld(module, own, absmax));
            return absmax;
        });
    }

    /** Beside much larger numbers, one scale or one scale of scales for both makes zeros of a whole module. */
    private static void requireHeld(String module, float own, float absmax) {
        if (own > 0 && own < absmax * LEAST_SHARE) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "module " + module + ": its largest magnitude " + own + " is so small beside the " + absmax
                            + " of what loaders fuse it with that the scale which they share loses it; ignore these"
                            + " modules, or choose a scheme with a scale a channel, such as FP8_DYNAMIC or W8A8");
        }
    }

    private float compute(String module) {
        Quantize action = actions.get(module);
        if (action == null) {
            throw new IllegalStateException("no action quantizes " + module);
        }
        TensorInfo weight = action.source().info();
        long rowBytes = rowBytes(action);
        long rows = rows(action, chunkBytes);
        float absmax;
        try (DeviceBuffer buffer = backend.allocate("quantize", 2L * Float.BYTES);
                Arena host = Arena.ofShared()) {
            Matrix range = Matrix.of(buffer, DType.F32, 1, 2);
            for (long from = 0; from < action.outFeatures(); from += rows) {
                long to = Math.min(from + rows, action.outFeatures());
                source.load(action.source(), from * rowBytes, (to - from) * rowBytes, stream);
                Matrix x = Matrix.of(source.device(), weight.dtype(), to - from, action.inFeatures());
                backend.operations().observeRange().observe(x, range, stream);
                stream.synchronize();
            }
            MemorySegment numbers = host.allocate(2L * Float.BYTES, Float.BYTES);
            buffer.copyTo(numbers, 0, stream);
            stream.synchronize();
            absmax = Math.max(
                    -numbers.getAtIndex(ValueLayout.JAVA_FLOAT, 0), numbers.getAtIndex(ValueLayout.JAVA_FLOAT, 1));
        }
        if (!Float.isFinite(absmax)) {
            throw StoredScales.wrong(action, 0, action.outFeatures());
        }
        return absmax;
    }
}
