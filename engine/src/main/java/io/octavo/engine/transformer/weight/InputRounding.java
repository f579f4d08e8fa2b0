package io.octavo.engine.transformer.weight;

import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.Scaling;

/** What a Linear's input is rounded to before it is multiplied; decided by the checkpoint's scheme. */
public sealed interface InputRounding {

    /** Kept as it comes. */
    record None() implements InputRounding {}

    /** BF16: what a checkpoint that rounds nothing gets where the backend's products take nothing wider. */
    record Half() implements InputRounding {}

    /** 8-bit codes with a scale a token, multiplied as they are. */
    record Codes(DType type, float divisor) implements InputRounding {}

    /**
     * Rounded and expanded again, with scales computed on the way.
     *
     * @param groupColumns that share a scale; 0 for all of a token
     */
    record Computed(CodeFormat format, int groupColumns, Scaling scaling) implements InputRounding {}

    /** Rounded and expanded again, with one stored scale. */
    record Fixed(CodeFormat format, float scale, int zeroPoint) implements InputRounding {}

    /**
     * @param stored numbers from the checkpoint, if {@code inputs} need any; symmetric 1 stands for none
     * @throws IllegalArgumentException if inputs cannot be rounded so
     */
    static InputRounding of(Quantization inputs, InputScale stored) {
        CodeFormat format = format(inputs.type());
        return switch (inputs.granularity()) {
            case Granularity.PerToken token -> perToken(inputs, format);
            case Granularity.PerTensor tensor -> new Fixed(format, stored.scale(), stored.zeroPoint());
            case Granularity.PerGroup group -> new Computed(format, group.size(), grouped(inputs));
            case Granularity.PerTensorGroup group ->
                new Computed(
                        format, group.size(), new Scaling.Relative(inputs.type().divisor(), 1 / stored.scale()));
            case Granularity.PerChannel channel -> throw unknown(inputs);
            case Granularity.PerBlock block -> throw unknown(inputs);
            case Granularity.PerHead head -> throw unknown(inputs);
        };
    }

    /** What a token's largest magnitude is divided by, where there are scales of tokens. */
    default float divisor() {
        return 1;
    }

    /** What this becomes on a backend, whose products may take nothing wider than BF16. */
    default InputRounding on(Backend backend, DType weights) {
        boolean rounds = this instanceof None && weights != DType.F32 && backend.productInput() == DType.BF16;
        return rounds ? new Half() : this;
    }

    private static InputRounding perToken(Quantization inputs, CodeFormat format) {
        if (!inputs.symmetric()) {
            return new Computed(format, 0, new Scaling.Range());
        }
        DType type = format == CodeFormat.E4M3 ? DType.F8_E4M3 : DType.I8;
        return new Codes(type, inputs.type().divisor());
    }

    private static Scaling grouped(Quantization inputs) {
        if (inputs.scaleType() == ScaleType.E8M0) {
            return new Scaling.PowerOfTwo(Math.getExponent(inputs.type().divisor()));
        }
        return new Scaling.Absmax(inputs.type().divisor());
    }

    private static CodeFormat format(NumberType type) {
        if (type.equals(new NumberType.IntType(8))) {
            return CodeFormat.INT8;
        }
        return ((FloatType) type).codes();
    }

    private static IllegalArgumentException unknown(Quantization inputs) {
        return new IllegalArgumentException("inputs quantized as " + inputs + " cannot be run");
    }
}
