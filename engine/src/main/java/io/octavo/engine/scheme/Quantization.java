package io.octavo.engine.scheme;

/**
 * How one kind of tensor (weights, inputs, KV cache) is quantized.
 *
 * @param symmetric whether zero is code zero, so that there are no zero points
 * @param scaleType what scales are rounded to before they are used
 * @param dynamic whether scales are computed while the model runs, and so are not stored; of
 *     {@link Granularity.PerTensorGroup} the groups' scales only
 */
public record Quantization(
        NumberType type, boolean symmetric, Granularity granularity, ScaleType scaleType, boolean dynamic) {

    /** Symmetric, with stored scales in the model's number type. */
    public static Quantization stored(NumberType type, Granularity granularity) {
        return new Quantization(type, true, granularity, ScaleType.FLOAT, false);
    }

    /** Symmetric, with scales computed while the model runs. */
    public static Quantization dynamic(NumberType type, Granularity granularity) {
        return new Quantization(type, true, granularity, ScaleType.FLOAT, true);
    }

    /** The same with zero points. */
    public Quantization asymmetric() {
        return new Quantization(type, false, granularity, scaleType, dynamic);
    }

    /** The same without zero points, as when all of them are zero. */
    public Quantization withoutZeroPoints() {
        return new Quantization(type, true, granularity, scaleType, dynamic);
    }

    /** The same with scales of another number type. */
    public Quantization withScales(ScaleType other) {
        return new Quantization(type, symmetric, granularity, other, dynamic);
    }

    /** Of inputs: whether a number is stored that comes from calibration. */
    public boolean isCalibrated() {
        return !dynamic || granularity instanceof Granularity.PerTensorGroup;
    }

    /** For messages: {@code INT4 asymmetric in groups of 128}, {@code E4M3 per token, dynamic}. */
    @Override
    public String toString() {
        return type + (symmetric ? "" : " asymmetric") + " " + granularity
                + (scaleType == ScaleType.FLOAT ? "" : " with " + scaleType + " scales") + (dynamic ? ", dynamic" : "");
    }
}
