package io.octavo.engine.calibrate;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Plain minima and maxima over everything that was seen, kept on the device. */
final class RangeObserver implements ActivationObserver, AutoCloseable {

    private final Backend backend;
    private final ModelSpec spec;
    private final Set<String> channels;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final Map<String, Matrix> inputs = new LinkedHashMap<>();
    private final Map<Integer, Matrix> keys = new LinkedHashMap<>();
    private final Map<Integer, Matrix> values = new LinkedHashMap<>();

    /** @param channels modules whose input channels are told apart */
    RangeObserver(Backend backend, ModelSpec spec, Set<String> channels) {
        this.backend = backend;
        this.spec = spec;
        this.channels = channels;
    }

    @Override
    public void input(String module, Matrix activations, Stream stream) {
        Matrix ranges = inputs.computeIfAbsent(
                module, name -> ranges(channels.contains(name) ? (int) activations.columns() : 1));
        backend.operations().observeRange().observe(activations, ranges, stream);
    }

    @Override
    public void keysAndValues(int layer, Matrix newKeys, Matrix newValues, Stream stream) {
        int heads = switch (spec.layers().get(layer).mixer()) {
            case AttentionSpec attention -> attention.kvHeads();
        };
        backend.operations()
                .observeRange()
                .observe(newKeys, keys.computeIfAbsent(layer, number -> ranges(heads)), stream);
        backend.operations()
                .observeRange()
                .observe(newValues, values.computeIfAbsent(layer, number -> ranges(heads)), stream);
    }

    /** Zeroed: zero belongs to every range. */
    private Matrix ranges(int groups) {
        DeviceBuffer buffer = backend.allocate("calibration", Matrix.bytes(DType.F32, groups, 2));
        buffers.add(buffer);
        return Matrix.of(buffer, DType.F32, groups, 2);
    }

    /** @throws QuantizationException {@code TENSOR_NOT_FINITE} */
    ActivationRanges ranges(Stream stream) {
        var byModule = new LinkedHashMap<String, Range>();
        var byChannel = new LinkedHashMap<String, List<Range>>();
        inputs.forEach((module, matrix) -> {
            List<Range> ranges = read("the inputs of " + module, matrix, stream);
            byModule.put(module, ranges.stream().reduce(Range::union).orElseThrow());
            if (channels.contains(module)) {
                byChannel.put(module, ranges);
            }
        });
        return new ActivationRanges(
                byModule, byChannel, Map.of(), read("keys", keys, stream), read("values", values, stream));
    }

    private static Map<Integer, List<Range>> read(String what, Map<Integer, Matrix> layers, Stream stream) {
        var ranges = new LinkedHashMap<Integer, List<Range>>();
        layers.forEach((layer, matrix) -> ranges.put(layer, read(what + " of layer " + layer, matrix, stream)));
        return ranges;
    }

    private static List<Range> read(String what, Matrix matrix, Stream stream) {
        var ranges = new ArrayList<Range>();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment host = arena.allocate(matrix.bytes(), Float.BYTES);
            matrix.buffer().copyTo(host, 0, stream);
            stream.synchronize();
            for (long group = 0; group < matrix.rows(); group++) {
                float min = host.getAtIndex(ValueLayout.JAVA_FLOAT, 2 * group);
                float max = host.getAtIndex(ValueLayout.JAVA_FLOAT, 2 * group + 1);
                if (!Float.isFinite(min) || !Float.isFinite(max)) {
                    throw new QuantizationException(
                            ErrorCode.TENSOR_NOT_FINITE, what + " became NaN or infinite on the calibration data");
                }
                ranges.add(new Range(min, max));
            }
        }
        return ranges;
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
    }
}
