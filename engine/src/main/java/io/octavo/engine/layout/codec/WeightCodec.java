package io.octavo.engine.layout.codec;

import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.kernels.number.DType;

/** One way of storing weights. */
public sealed interface WeightCodec permits RowCodec, WordCodec, TransposedCodec {

    /** The tensor of codes, without the module's name. */
    String codes();

    /** What codes lie in. */
    DType codeType();

    /** @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} for shapes that it cannot hold */
    WeightTensors tensors(ModuleShape shape);

    /**
     * @param stored what the config says of the module's group
     * @throws io.octavo.engine.failure.QuantizationException {@code QUANTIZATION_UNSUPPORTED} if a tensor is missing, or has
     *     another type, another shape, or numbers that are none
     */
    QuantizedWeight read(String module, Declaration.Group stored, ModuleCollector tensors);

    /** @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if a number cannot be held exactly */
    void write(QuantizedWeight weight, WeightTensors tensors, TensorSink sink);
}
