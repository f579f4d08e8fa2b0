package io.octavo.kernels.number;

/**
 * A number type as it lies in memory, little-endian. The names are those of the safetensors format, which defines no
 * others.
 */
public enum DType {
    F64(64, true),
    F32(32, true),
    F16(16, true),
    BF16(16, true),
    /** Bias 7, largest finite value 448, NaN 0x7F and 0xFF, no infinities. */
    F8_E4M3(8, true),
    F8_E5M2(8, true),
    I64(64, false),
    I32(32, false),
    I16(16, false),
    I8(8, false),
    U8(8, false),
    BOOL(8, false),
    // What follows is carried from file to file as bytes; nothing computes with it.
    U64(64, false),
    U32(32, false),
    U16(16, false),
    /** Two F32: real and imaginary part. */
    C64(64, true),
    /** A power of two, stored as its exponent. */
    F8_E8M0(8, true),
    F6_E3M2(6, true),
    F6_E2M3(6, true),
    F4(4, true);

    private final int bits;
    private final boolean floating;

    DType(int bits, boolean floating) {
        this.bits = bits;
        this.floating = floating;
    }

    /** Size of one element; those of fewer than 8 bits lie next to each other. */
    public int bits() {
        return bits;
    }

    /**
     * Size of one element.
     *
     * @throws IllegalStateException for types whose elements are no whole bytes
     */
    public int bytes() {
        if (bits % Byte.SIZE != 0) {
            throw new IllegalStateException(this + " has elements of " + bits + " bits");
        }
        return bits / Byte.SIZE;
    }

    public boolean isFloating() {
        return floating;
    }
}
