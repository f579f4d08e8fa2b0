package io.octavo.kernels.number;

/**
 * The 4-bit float E2M1 of the OCP Microscaling specification (revision 1.0): 0, 0.5, 1, 1.5, 2, 3, 4, 6, the sign in
 * bit 3.
 *
 * <p>Encoding rounds to nearest, ties to the even code, saturates, and keeps the sign of zero. NaN has no code; it
 * becomes the largest value.
 */
public final class Float4 {

    /** Largest value of E2M1. */
    public static final float E2M1_MAX = 6;

    private static final float[] MAGNITUDES = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};

    private static final int SIGN = 0x8;

    private Float4() {}

    /** @param code in the low four bits; the rest is ignored */
    public static float fromE2m1(int code) {
        float magnitude = MAGNITUDES[code & 0x7];
        return (code & SIGN) == 0 ? magnitude : -magnitude;
    }

    public static byte toE2m1(float value) {
        float magnitude = Math.abs(value);
        int code = MAGNITUDES.length - 1;
        while (code > 0 && belongsBelow(magnitude, code)) {
            code--;
        }
        return (byte) (Float.floatToRawIntBits(value) < 0 ? code | SIGN : code);
    }

    /** Whether a number is nearer to the code below, or as near and that one is even. */
    private static boolean belongsBelow(float magnitude, int code) {
        float middle = (MAGNITUDES[code - 1] + MAGNITUDES[code]) / 2;
        return magnitude < middle || (magnitude == middle && code % 2 == 1);
    }
}
