package io.octavo.engine.solve.scale;

import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;

/**
 * The positive numbers that a scale can be stored as, numbered from the smallest up, so that a search can step from one to its
 * neighbours.
 */
enum ScaleLadder {
    BF16(7, 1, 0x7F7F),
    F16(10, 1, 0x7BFF),
    F32(23, 1, 0x7F7F_FFFF),
    E4M3(3, 1, 0x7E),
    /** Exponents with a bias of 127. */
    E8M0(0, 0, 254);

    private static final int BIAS = 127;

    private final int mantissaBits;
    private final int lowest;
    private final int highest;

    ScaleLadder(int mantissaBits, int lowest, int highest) {
        this.mantissaBits = mantissaBits;
        this.lowest = lowest;
        this.highest = highest;
    }

    static ScaleLadder of(WeightFormat format) {
        return switch (format.quantization().scaleType()) {
            case FLOAT -> of(format.dtype());
            case E4M3 -> E4M3;
            case E8M0 -> E8M0;
        };
    }

    private static ScaleLadder of(DType dtype) {
        return switch (dtype) {
            case BF16 -> BF16;
            case F16 -> F16;
            case F32 -> F32;
            default -> throw new IllegalArgumentException("not a type of scales: " + dtype);
        };
    }

    /** How many numbers double a scale; those of one octave lie evenly. */
    int perOctave() {
        return 1 << mantissaBits;
    }

    /** @param scale one of the numbers */
    int rung(float scale) {
        return switch (this) {
            case BF16 -> Float.floatToRawIntBits(scale) >>> 16;
            case F16 -> Float.floatToFloat16(scale);
            case F32 -> Float.floatToRawIntBits(scale);
            case E4M3 -> Float8.toE4m3(scale);
            case E8M0 -> Math.getExponent(2 * scale) - 1 + BIAS; // 2^-127 is none of f32's normal numbers.
        };
    }

    /** The number so many rungs above the first, or the outermost one on that side. */
    float scale(int rung) {
        int within = Math.clamp(rung, lowest, highest);
        return switch (this) {
            case BF16 -> BFloat16.toFloat((short) within);
            case F16 -> Float.float16ToFloat((short) within);
            case F32 -> Float.intBitsToFloat(within);
            case E4M3 -> Float8.fromE4m3((byte) within);
            case E8M0 -> WeightFormat.power(within - BIAS);
        };
    }
}
