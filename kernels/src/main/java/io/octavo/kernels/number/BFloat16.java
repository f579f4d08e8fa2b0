package io.octavo.kernels.number;

/** The 16-bit float with the exponent range of f32: its upper half. (For IEEE half precision the JDK has methods.) */
public final class BFloat16 {

    private static final int QUIET_NAN_BIT = 0x0040;

    private BFloat16() {}

    /** Exact. */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** Rounds to nearest, ties to even; values past the largest finite number become infinite, NaN stays NaN. */
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | QUIET_NAN_BIT);
        }
        int tieToEven = (bits >>> 16) & 1;
        return (short) ((bits + 0x7FFF + tieToEven) >>> 16);
    }
}
