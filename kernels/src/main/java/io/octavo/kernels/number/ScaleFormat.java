package io.octavo.kernels.number;

/**
 * The positive numbers that a scale can be stored as, numbered from the smallest up, so that a search can step from one to its
 * neighbours.
 */
public enum ScaleFormat {
    BF16(0, 7, 1, 0x7F7F, 0x1p-7f),
    F16(1, 10, 1, 0x7BFF, 0x1p-10f),
    F32(2, 23, 1, 0x7F7F_FFFF, 0x1p-23f),
    E4M3(3, 3, 1, 0x7E, 0x1p-3f),
    /** Exponents with a bias of 127. */
    E8M0(4, 0, 0, 254, 0x1p-127f);

    private static final int BIAS = 127;

    private final int id;
    private final int mantissaBits;
    private final int lowest;
    private final int highest;
    private final float epsilon;

    ScaleFormat(int id, int mantissaBits, int lowest, int highest, float epsilon) {
        this.id = id;
        this.mantissaBits = mantissaBits;
        this.lowest = lowest;
        this.highest = highest;
        this.epsilon = epsilon;
    }

    /** That of floating scales of a type. */
    public static ScaleFormat of(DType dtype) {
        return switch (dtype) {
            case BF16 -> BF16;
            case F16 -> F16;
            case F32 -> F32;
            default -> throw new IllegalArgumentException("not a type of scales: " + dtype);
        };
    }

    /** The format's number in kernels' parameters. */
    public int id() {
        return id;
    }

    /** How many numbers double a scale; those of one octave lie evenly. */
    public int perOctave() {
        return 1 << mantissaBits;
    }

    /** @param scale one of the numbers */
    public int rung(float scale) {
        return switch (this) {
            case BF16 -> Float.floatToRawIntBits(scale) >>> 16;
            case F16 -> Float.floatToFloat16(scale);
            case F32 -> Float.floatToRawIntBits(scale);
            case E4M3 -> Float8.toE4m3(scale);
            case E8M0 -> Math.getExponent(2 * scale) - 1 + BIAS; // 2^-127 is none of f32's normal numbers.
        };
    }

    /** The number so many rungs above the first, or the outermost one on that side. */
    public float scale(int rung) {
        int within = Math.clamp(rung, lowest, highest);
        return switch (this) {
            case BF16 -> BFloat16.toFloat((short) within);
            case F16 -> Float.float16ToFloat((short) within);
            case F32 -> Float.intBitsToFloat(within);
            case E4M3 -> Float8.fromE4m3((byte) within);
            case E8M0 -> power(within - BIAS);
        };
    }

    /**
     * The number nearest to an exact one, for powers of two by their exponents, but never more than the largest; the machine
     * epsilon of the type in place of zero.
     *
     * @param exact at least 0
     */
    public float nearest(float exact) {
        float nearest = switch (this) {
            case BF16 -> BFloat16.toFloat(BFloat16.fromFloat(Math.min(exact, scale(highest))));
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(Math.min(exact, scale(highest))));
            case F32 -> Math.min(exact, scale(highest));
            case E4M3 -> Float8.fromE4m3(Float8.toE4m3(Math.min(exact, Float8.E4M3_MAX)));
            case E8M0 -> power((int) Math.rint(Math.log(Math.max(exact, Float.MIN_VALUE)) / Math.log(2)));
        };
        return nearest > 0 ? nearest : epsilon;
    }

    /** {@code 2^exponent}, or the nearest that E8M0 stores. */
    public static float power(int exponent) {
        return (float) Math.scalb(1.0, Math.clamp(exponent, -BIAS, BIAS));
    }
}
