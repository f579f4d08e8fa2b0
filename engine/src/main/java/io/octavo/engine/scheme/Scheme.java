package io.octavo.engine.scheme;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
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

    /** E4M3 weights with a scale per output channel; inputs are quantized per token while the model runs. */
    public static final Scheme FP8_DYNAMIC = new Scheme(
            "FP8_DYNAMIC",
            Quantization.stored(NumberType.FloatType.E4M3, new Granularity.PerChannel()),
            Optional.of(Quantization.dynamic(NumberType.FloatType.E4M3, new Granularity.PerToken())));

    /** Every preset that can be asked for. */
    public static final List<Scheme> PRESETS = List.of(FP8_DYNAMIC);

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
