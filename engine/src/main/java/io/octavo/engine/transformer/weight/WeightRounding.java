package io.octavo.engine.transformer.weight;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.util.List;

/**
 * What plain weights of Linears become while they are loaded: the codes and scales that quantizing by the scheme without data
 * writes.
 *
 * @param codes F8_E4M3 or I8
 * @param divisor of a channel's largest magnitude
 * @param inputs what the Linears' inputs are rounded to
 */
public record WeightRounding(DType codes, float divisor, InputRounding inputs) {

    /** @throws QuantizationException {@code scheme-unsuitable} unless weights have 8 bits and a scale a channel */
    public static WeightRounding of(Scheme scheme) {
        if (!fits(scheme)) {
            List<String> allowed = Scheme.PRESETS.stream()
                    .filter(WeightRounding::fits)
                    .map(Scheme::name)
                    .toList();
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "scheme " + scheme.name() + " cannot be had while a model is loaded; allowed: "
                            + String.join(", ", allowed));
        }
        Quantization weights = scheme.weights();
        InputRounding inputs = scheme.inputs()
                .map(each -> InputRounding.of(each, InputScale.symmetric(1)))
                .orElseGet(InputRounding.None::new);
        return new WeightRounding(
                weights.type() == FloatType.E4M3 ? DType.F8_E4M3 : DType.I8,
                weights.type().divisor(),
                inputs);
    }

    private static boolean fits(Scheme scheme) {
        Quantization weights = scheme.weights();
        return weights.type().bits() == 8
                && weights.symmetric()
                && weights.granularity() instanceof Granularity.PerChannel
                && scheme.inputs()
                        .map(inputs -> inputs.granularity() instanceof Granularity.PerToken)
                        .orElse(true);
    }

    /** What scales of a weight are stored in: a half has too small a range. */
    static DType scaleType(DType weight) {
        return weight == DType.F16 ? DType.F32 : weight;
    }
}
