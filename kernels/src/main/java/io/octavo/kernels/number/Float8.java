package io.octavo.kernels.number;

/**
 * The two 8-bit floats of the OCP OFP8 specification (revision 1.0), as checkpoints store them.
 *
 * <p>Encoding rounds to nearest, ties to even, and saturates: whatever lies past the largest finite value, infinities
 * included, becomes that value. Zero keeps its sign. NaN becomes the code with all lower bits set, sign kept.
 */
public final class Float8 {

    /** Largest finite value of E4M3. */
    public static final float E4M3_MAX = 448;

    private static final int NAN_CODE = 0x7F;

    private static final Format E4M3 = new Format(3, 7, 0x7E);
    private static final Format E5M2 = new Format(2, 15, 0x7B);

    private static final float[] E4M3_VALUES = new float[256];
    private static final float[] E5M2_VALUES = new float[256];

    static {
        for (int code = 0; code < 256; code++) {
            boolean nan = (code & 0x7F) == NAN_CODE;
            E4M3_VALUES[code] = nan ? Float.NaN : E4M3.value(code);
            // E5M2 is the upper half of an IEEE half: infinities and NaNs included.
            E5M2_VALUES[code] = Float.float16ToFloat((short) (code << 8));
        }
    }

    private Float8() {}

    public static byte toE4m3(float value) {
        return E4M3.encode(value);
    }

    public static float fromE4m3(byte code) {
        return E4M3_VALUES[code & 0xFF];
    }

    public static byte toE5m2(float value) {
        return E5M2.encode(value);
    }

    public static float fromE5m2(byte code) {
        return E5M2_VALUES[code & 0xFF];
    }

    /**
     * @param maxCode code of the largest finite value
     */
    private record Format(int mantissaBits, int bias, int maxCode) {

        private byte encode(float value) {
            int bits = Float.floatToRawIntBits(value);
            int sign = (bits >>> 24) & 0x80;
            if (Float.isNaN(value)) {
                return (byte) (sign | NAN_CODE);
            }
            float magnitude = Math.abs(value);
            float smallestNormal = Math.scalb(1f, 1 - bias);
            int code = magnitude < smallestNormal ? subnormalCode(magnitude) : normalCode(bits & Integer.MAX_VALUE);
            return (byte) (sign | Math.min(code, maxCode));
        }

        /** A carry out of the mantissa moves into the exponent, which is the right answer. */
        private int normalCode(int magnitudeBits) {
            int dropped = 23 - mantissaBits;
            int tieToEven = (magnitudeBits >>> dropped) & 1;
            int rounded = (magnitudeBits + (1 << (dropped - 1)) - 1 + tieToEven) >>> dropped;
            return rounded - ((127 - bias) << mantissaBits);
        }

        /** Scaling by a power of two is exact; rounding up to the smallest normal gives its code. */
        private int subnormalCode(float magnitude) {
            return (int) Math.rint(Math.scalb((double) magnitude, bias - 1 + mantissaBits));
        }

        private float value(int code) {
            int exponent = (code & 0x7F) >>> mantissaBits;
            int mantissa = code & ((1 << mantissaBits) - 1);
            int significand = exponent == 0 ? mantissa : mantissa | (1 << mantissaBits);
            float magnitude = Math.scalb((float) significand, Math.max(exponent, 1) - bias - mantissaBits);
            return code < 0x80 ? magnitude : -magnitude;
        }
    }
}
