package io.octavo.engine.layout.codec;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.weight.ExactNumbers;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** How the stored numbers are spelled that inputs are rounded with: independent of the weights'. */
public enum InputCodec {
    /** compressed-tensors: global scales divide, and asymmetric inputs have a zero point. */
    COMPRESSED,
    /** All others: one F32 that multiplies. */
    PLAIN;

    /** @param floats type of scales that are floats */
    public List<TensorSpec> tensors(String module, Optional<Quantization> inputs, DType floats) {
        return inputs.filter(Quantization::isCalibrated)
                .map(stored -> Stream.concat(
                                Stream.of(scale(module, stored, floats)), zeroPoint(module, stored).stream())
                        .toList())
                .orElse(List.of());
    }

    private boolean isGlobal(Quantization inputs) {
        return this == COMPRESSED && inputs.granularity() instanceof Granularity.PerTensorGroup;
    }

    private TensorSpec scale(String module, Quantization inputs, DType floats) {
        if (this == PLAIN) {
            return new TensorSpec(module + "." + QuantizationParameters.INPUT_SCALE, DType.F32);
        }
        return isGlobal(inputs)
                ? new TensorSpec(module + "." + QuantizationParameters.INPUT_GLOBAL_SCALE, DType.F32, 1)
                : new TensorSpec(module + "." + QuantizationParameters.INPUT_SCALE, floats, 1);
    }

    private static Optional<TensorSpec> zeroPoint(String module, Quantization inputs) {
        return inputs.symmetric()
                ? Optional.empty()
                : Optional.of(new TensorSpec(module + "." + QuantizationParameters.INPUT_ZERO_POINT, DType.I8, 1));
    }

    /**
     * @param channels inputs of the module
     * @return empty where everything is computed while the model runs
     * @throws io.octavo.engine.failure.QuantizationException {@code QUANTIZATION_UNSUPPORTED}
     */
    public Optional<InputScale> read(String module, Quantization inputs, long channels, ModuleCollector tensors) {
        if (this == COMPRESSED) {
            ModuleCollector.requireGroups(module, inputs.granularity(), channels);
        }
        if (!inputs.isCalibrated()) {
            return Optional.empty();
        }
        if (isGlobal(inputs)) {
            return Optional.of(
                    InputScale.symmetric(1 / tensors.number(module, QuantizationParameters.INPUT_GLOBAL_SCALE)));
        }
        float scale = tensors.scalar(module, QuantizationParameters.INPUT_SCALE);
        if (inputs.symmetric()) {
            // Loaders ignore the zero points of symmetric inputs.
            tensors.find(module, QuantizationParameters.INPUT_ZERO_POINT);
            return Optional.of(InputScale.symmetric(scale));
        }
        Tensor zeroPoint = tensors.claim(zeroPoint(module, inputs).orElseThrow());
        return Optional.of(new InputScale(scale, zeroPoint.segment().get(ValueLayout.JAVA_BYTE, 0)));
    }

    /** @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if a number cannot be held exactly */
    void write(QuantizedLinear linear, DType floats, TensorSink sink) {
        linear.inputs().filter(Quantization::isCalibrated).ifPresent(inputs -> {
            ExactNumbers.write(
                    linear.storedInputScale(), isGlobal(inputs), scale(linear.module(), inputs, floats), sink);
            zeroPoint(linear.module(), inputs).ifPresent(spec -> {
                int zeroPoint = linear.inputScale().orElseThrow().zeroPoint();
                sink.write(spec.name(), 0, ByteBuffer.wrap(new byte[] {(byte) zeroPoint}));
            });
        });
    }
}
