package io.octavo.kernels.number;

/**
 * How a code lies in memory and which number it stands for: the one table that scalar twins, schemes, layouts, checks and
 * (as {@code Format} in quantization.cuh) kernels go by.
 */
public enum CodeFormat {
    E4M3(0, 8, Float8.E4M3_MAX),
    /** Two a byte, the even column in the low nibble. */
    E2M1(1, 4, Float4.E2M1_MAX),
    /** Two's complement. */
    INT8(2, 8, 0),
    /** The integer plus 128; a run of four is a little-endian 32-bit word. */
    INT8_OFFSET(3, 8, 128),
    /** The integer plus 8, two a byte, the even column in the low nibble; a run of eight is a little-endian word. */
    INT4_OFFSET(4, 4, 8);

    private final int id;
    private final int bits;
    private final float lowest;
    private final float highest;
    private final int offset;
    private final boolean integer;

    /** Floats: symmetric around zero. */
    CodeFormat(int id, int bits, float highest) {
        this.id = id;
        this.bits = bits;
        this.lowest = -highest;
        this.highest = highest;
        this.offset = 0;
        this.integer = false;
    }

    /** Integers of two's complement, {@code offset} added where they are stored. */
    CodeFormat(int id, int bits, int offset) {
        this.id = id;
        this.bits = bits;
        this.lowest = -(1 << (bits - 1));
        this.highest = (1 << (bits - 1)) - 1;
        this.offset = offset;
        this.integer = true;
    }

    /** The format's number in kernels' parameters. */
    public int id() {
        return id;
    }

    public int bits() {
        return bits;
    }

    /** The smallest number that a code stands for, before scaling. */
    public float lowest() {
        return lowest;
    }

    /** The largest number that a code stands for, before scaling. */
    public float highest() {
        return highest;
    }

    public boolean isInteger() {
        return integer;
    }

    /** What integers are greater by where they are stored. */
    public int offset() {
        return offset;
    }

    /** What a code stands for, before scaling; integers without their offset. */
    public float number(int code) {
        return switch (this) {
            case E4M3 -> Float8.fromE4m3((byte) code);
            case E2M1 -> Float4.fromE2m1(code);
            case INT8, INT8_OFFSET, INT4_OFFSET -> code;
        };
    }

    /**
     * The code of the nearest number, ties to even; integers without their offset, within their range.
     *
     * @param zeroPoint of integers; floats have none, and keep the sign of zero
     */
    public int code(float quotient, int zeroPoint) {
        return switch (this) {
            case E4M3 -> Float8.toE4m3(quotient) & 0xFF;
            case E2M1 -> Float4.toE2m1(quotient);
            case INT8, INT8_OFFSET, INT4_OFFSET -> (int) Math.rint(Math.clamp(quotient + zeroPoint, lowest, highest));
        };
    }

    /** Bytes of a row; {@code columns} is even where two codes share a byte. */
    public long rowBytes(long columns) {
        return columns * bits / Byte.SIZE;
    }
}
