package io.octavo.engine.scheme;

/**
 * How one kind of tensor (weights, inputs) is quantized.
 *
 * @param symmetric whether zero is code zero, so that there are no zero points
 * @param dynamic whether scales are computed while the model runs, and so are not stored
 */
public record Quantization(NumberType type, boolean symmetric, Granularity granularity, boolean dynamic) {

    public static Quantization stored(NumberType type, Granularity granularity) {
        return new Quantization(type, true, granularity, false);
    }

    public static Quantization dynamic(NumberType type, Granularity granularity) {
        return new Quantization(type, true, granularity, true);
    }
}
