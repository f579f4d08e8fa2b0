package io.octavo.engine.quantize;

import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.LinearStatistics;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.KvScales;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.solve.scale.WeightFormat;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Statistics of a plan's Linears: what calibration saw of their inputs, and the numbers that the plan makes codes of. */
final class ModelStatistics implements LinearStatistics {

    private final ActivationRanges seen;
    private final WeightChannels channels;
    private final boolean mayChangeValues;
    private final Map<String, Numbers> numbers = new HashMap<>();
    private final Map<String, Quantize> quantized = new HashMap<>();

    ModelStatistics(QuantizationPlan plan, ActivationRanges seen, WeightChannels channels) {
        this.seen = seen;
        this.channels = channels;
        this.mayChangeValues = plan.kvScales().isEmpty();
        for (QuantizationPlan.Action action : plan.actions()) {
            switch (action) {
                case Keep keep -> numbers.put(keep.source().info().name(), keep.source());
                case Quantize weight -> {
                    numbers.put(weight.source().info().name(), weight.source());
                    quantized.put(weight.module(), weight);
                }
                case KvScales scales -> {}
            }
        }
    }

    @Override
    public boolean mayChangeValues() {
        return mayChangeValues;
    }

    @Override
    public float[] inputMagnitudes(String module) {
        return requireSeen(module, seen.channelMagnitudes(module));
    }

    @Override
    public float[] inputSquares(String module) {
        return requireSeen(
                module, seen.squares().getOrDefault(module, new float[0]).clone());
    }

    private static float[] requireSeen(String module, float[] channels) {
        if (channels.length == 0) {
            throw new QuantizationException(
                    ErrorCode.MODIFIER_UNSUITABLE,
                    "calibration never ran module " + module + ", whose input is looked at");
        }
        return channels;
    }

    @Override
    public float[] weightMagnitudes(String module) {
        return channels.of(weight(module));
    }

    @Override
    public float[] rowMagnitudes(String module) {
        Numbers weight = weight(module);
        int columns = Math.toIntExact(weight.info().shape().getLast());
        long rowBytes = (long) columns * weight.info().dtype().bytes();
        float[] magnitudes = new float[Math.toIntExact(weight.info().byteSize() / rowBytes)];
        float[] row = new float[columns];
        for (int i = 0; i < magnitudes.length; i++) {
            weight.floats(i * rowBytes, row, 0, columns);
            for (float number : row) {
                magnitudes[i] = Math.max(magnitudes[i], Math.abs(number));
            }
            WeightChannels.requireFinite(weight.info(), magnitudes[i]);
        }
        return magnitudes;
    }

    @Override
    public float[] weightRows(String module, int most) {
        Numbers weight = weight(module);
        int columns = Math.toIntExact(weight.info().shape().getLast());
        long rowBytes = (long) columns * weight.info().dtype().bytes();
        long rows = weight.info().byteSize() / rowBytes;
        int count = Math.toIntExact(Math.min(rows, most));
        float[] found = new float[Math.multiplyExact(count, columns)];
        for (int i = 0; i < count; i++) {
            weight.floats(rows * i / count * rowBytes, found, i * columns, columns);
        }
        return found;
    }

    private Numbers weight(String module) {
        Numbers found = numbers.get(module + CompressedTensors.WEIGHT_SUFFIX);
        if (found == null) {
            throw new QuantizationException(ErrorCode.MODIFIER_UNSUITABLE, "a modifier finds no weight of " + module);
        }
        return found;
    }

    @Override
    public Optional<WeightFormat> format(String module, float absmax) {
        return Optional.ofNullable(quantized.get(module))
                .map(action -> new WeightFormat(
                        action.scheme().weights(),
                        action.source().info().dtype(),
                        Math.toIntExact(action.inFeatures()),
                        absmax));
    }
}
