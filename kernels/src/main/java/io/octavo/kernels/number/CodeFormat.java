package io.octavo.kernels.number;

/** How a code lies in memory. */
public enum CodeFormat {
    E4M3(8, -Float8.E4M3_MAX, Float8.E4M3_MAX),
    /** Two a byte, the even column in the low nibble. */
    E2M1(4, -Float4.E2M1_MAX, Float4.E2M1_MAX),
    /** Two's complement. */
    INT8(8, -128, 127),
    /** The integer plus 128; a run of four is a little-endian 32-bit word. */
    INT8_OFFSET(8, -128, 127),
    /** The integer plus 8, two a byte, the even column in the low nibble; a run of eight is a little-endian word. */
    INT4_OFFSET(4, -8, 7);

    private final int bits;
    private final float lowest;
    private final float highest;

    CodeFormat(int bits, float lowest, float highest) {
        this.bits = bits;
        this.lowest = lowest;
        this.highest = highest;
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
        return switch (this) {
            case E4M3, E2M1 -> false;
            case INT8, INT8_OFFSET, INT4_OFFSET -> true;
        };
    }

    /** Bytes of a row; {@code columns} is even where two codes share a byte. */
    public long rowBytes(long columns) {
        return columns * bits / Byte.SIZE;
    }
}
