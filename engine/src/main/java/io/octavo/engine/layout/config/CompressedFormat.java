package io.octavo.engine.layout.config;

import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.number.CodeFormat;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How compressed-tensors stores a module's weight. */
public enum CompressedFormat {
    /** E4M3 codes in {@code weight}; inputs are quantized too. */
    FLOAT_QUANTIZED("float-quantized"),
    /** E4M3 codes in {@code weight}, inputs as they are. */
    NAIVE_QUANTIZED("naive-quantized"),
    /** Integers of one byte in {@code weight}; inputs are integers too. */
    INT_QUANTIZED("int-quantized"),
    /** Integers in 32-bit words in {@code weight_packed}, with {@code weight_shape}. */
    PACK_QUANTIZED("pack-quantized"),
    /** E2M1 codes in {@code weight_packed}, E4M3 scales of groups, {@code weight_global_scale}. */
    NVFP4("nvfp4-pack-quantized"),
    /** E2M1 codes in {@code weight_packed}, exponents of groups. */
    MXFP4("mxfp4-pack-quantized"),
    /** E4M3 codes in {@code weight}, exponents of groups. */
    MXFP8("mxfp8-quantized");

    /** What the root of a config says when its groups differ. */
    static final String MIXED = "mixed-precision";

    private static final List<Set<CompressedFormat>> ALIKE =
            List.of(EnumSet.of(FLOAT_QUANTIZED, NAIVE_QUANTIZED), EnumSet.of(INT_QUANTIZED, PACK_QUANTIZED));

    private final String spelling;

    CompressedFormat(String spelling) {
        this.spelling = spelling;
    }

    /** The value of {@code format}. */
    public String spelling() {
        return spelling;
    }

    /** Whether a module has no {@code weight}, but words or bytes of several codes. */
    public boolean isPacked() {
        return switch (this) {
            case PACK_QUANTIZED, NVFP4, MXFP4 -> true;
            case FLOAT_QUANTIZED, NAIVE_QUANTIZED, INT_QUANTIZED, MXFP8 -> false;
        };
    }

    static Optional<CompressedFormat> spelled(String text) {
        return Arrays.stream(values())
                .filter(format -> format.spelling.equals(text))
                .findFirst();
    }

    /** Whether a config may say this of a module whose format is inferred as {@code other}. */
    boolean mayStand(CompressedFormat other) {
        // A float weight without inputs is written as naive-quantized and, by others, as float-quantized.
        return this == other || ALIKE.stream().anyMatch(alike -> alike.contains(this) && alike.contains(other));
    }

    /** The format of a module, as the reference library infers it. */
    public static CompressedFormat of(Quantization weights, Optional<Quantization> inputs) {
        return switch (weights.type()) {
            case NumberType.IntType integers ->
                inputs.map(Quantization::type)
                                .filter(NumberType.IntType.class::isInstance)
                                .isPresent()
                        ? INT_QUANTIZED
                        : PACK_QUANTIZED;
            case NumberType.FloatType floats ->
                switch (floats) {
                    case E2M1 -> weights.scaleType() == ScaleType.E8M0 ? MXFP4 : NVFP4;
                    case E4M3 -> e4m3(weights, inputs);
                };
        };
    }

    private static CompressedFormat e4m3(Quantization weights, Optional<Quantization> inputs) {
        if (weights.scaleType() == ScaleType.E8M0) {
            return MXFP8;
        }
        return inputs.isPresent() ? FLOAT_QUANTIZED : NAIVE_QUANTIZED;
    }

    /** How codes of a type lie in a weight of this format. */
    public CodeFormat codes(NumberType type) {
        return switch (type) {
            case NumberType.FloatType floats -> floats.codes();
            case NumberType.IntType integers -> {
                if (this == INT_QUANTIZED) {
                    yield CodeFormat.INT8;
                }
                yield integers.bits() == 4 ? CodeFormat.INT4_OFFSET : CodeFormat.INT8_OFFSET;
            }
        };
    }
}
