package io.octavo.engine.scheme;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.NumberType.IntType;
import java.util.List;
import java.util.Optional;

/**
 * What a quantized model stores.
 *
 * @param name the preset's name in the field, such as {@code FP8_DYNAMIC}
 * @param weights of every Linear that is not left alone
 * @param inputs of the same modules; empty for weight-only schemes
 */
public record Scheme(String name, Quantization weights, Optional<Quantization> inputs) {

    private static final NumberType INT8 = new IntType(8);
    private static final NumberType INT4 = new IntType(4);
    private static final Granularity PER_TENSOR = new Granularity.PerTensor();
    private static final Granularity PER_CHANNEL = new Granularity.PerChannel();

    private static final Quantization FP8_PER_TOKEN = Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken());

    private static final Quantization NVFP4_STORED = Quantization.stored(
                    FloatType.E2M1, new Granularity.PerTensorGroup(16))
            .withScales(ScaleType.E4M3);

    private static final Quantization NVFP4_LOCAL = Quantization.dynamic(
                    FloatType.E2M1, new Granularity.PerTensorGroup(16))
            .withScales(ScaleType.E4M3);

    /** E4M3 weights with a scale per output channel; inputs are quantized per token while the model runs. */
    public static final Scheme FP8_DYNAMIC =
            with("FP8_DYNAMIC", Quantization.stored(FloatType.E4M3, PER_CHANNEL), FP8_PER_TOKEN);

    /** E4M3 weights and inputs with one scale a tensor; those of inputs come from calibration. */
    public static final Scheme FP8 = with(
            "FP8", Quantization.stored(FloatType.E4M3, PER_TENSOR), Quantization.stored(FloatType.E4M3, PER_TENSOR));

    /** E4M3 weights in blocks of 128 x 128; inputs per token and 128 channels while the model runs. */
    public static final Scheme FP8_BLOCK = with(
            "FP8_BLOCK",
            Quantization.stored(FloatType.E4M3, new Granularity.PerBlock(128, 128)),
            Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(128)));

    /** E4M3 weights per output channel, inputs as they are. */
    public static final Scheme FP8_W8A16 = weightOnly("FP8_W8A16", Quantization.stored(FloatType.E4M3, PER_CHANNEL));

    /** Every preset that can be asked for, in the order in which they are shown. */
    public static final List<Scheme> PRESETS = List.of(
            FP8_DYNAMIC,
            FP8,
            FP8_BLOCK,
            FP8_W8A16,
            int8("W8A8", Quantization.dynamic(INT8, new Granularity.PerToken())),
            int8("W8A8_STATIC", Quantization.stored(INT8, PER_TENSOR)),
            int8("W8A8_STATIC_ASYM", Quantization.stored(INT8, PER_TENSOR).asymmetric()),
            weightOnly("W8A16", Quantization.stored(INT8, new Granularity.PerGroup(128))),
            weightOnly("W8A16_CHANNEL", Quantization.stored(INT8, PER_CHANNEL)),
            weightOnly("W4A16", int4(128)),
            weightOnly("W4A16_G64", int4(64)),
            weightOnly("W4A16_G32", int4(32)),
            weightOnly("W4A16_CHANNEL", Quantization.stored(INT4, PER_CHANNEL)),
            weightOnly("W4A16_ASYM", int4(128).asymmetric()),
            weightOnly("W4A16_ASYM_G64", int4(64).asymmetric()),
            weightOnly("W4A16_ASYM_G32", int4(32).asymmetric()),
            with("W4AFP8", int4(128), FP8_PER_TOKEN),
            with("NVFP4", NVFP4_STORED, NVFP4_LOCAL),
            weightOnly("NVFP4A16", NVFP4_STORED),
            with("MXFP4", mx(FloatType.E2M1, false), mx(FloatType.E2M1, true)),
            weightOnly("MXFP4A16", mx(FloatType.E2M1, false)),
            with("MXFP8", mx(FloatType.E4M3, false), mx(FloatType.E4M3, true)));

    private static Scheme with(String name, Quantization weights, Quantization inputs) {
        return new Scheme(name, weights, Optional.of(inputs));
    }

    private static Scheme weightOnly(String name, Quantization weights) {
        return new Scheme(name, weights, Optional.empty());
    }

    private static Scheme int8(String name, Quantization inputs) {
        return with(name, Quantization.stored(INT8, PER_CHANNEL), inputs);
    }

    private static Quantization int4(int groupSize) {
        return Quantization.stored(INT4, new Granularity.PerGroup(groupSize));
    }

    private static Quantization mx(FloatType type, boolean dynamic) {
        return new Quantization(type, true, new Granularity.PerGroup(32), ScaleType.E8M0, dynamic);
    }

    /** Whether numbers are stored that only running the model on data can tell. */
    public boolean needsCalibration() {
        return inputs.map(Quantization::isCalibrated).orElse(false);
    }

    /** @throws QuantizationException {@code SCHEME_UNKNOWN}, with the allowed names */
    public static Scheme named(String name) {
        return PRESETS.stream()
                .filter(preset -> preset.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new QuantizationException(
                        ErrorCode.SCHEME_UNKNOWN,
                        "scheme " + name + "; allowed: "
                                + String.join(
                                        ", ", PRESETS.stream().map(Scheme::name).toList())));
    }
}
