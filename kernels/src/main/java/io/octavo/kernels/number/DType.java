package io.octavo.kernels.number;

/** A number type as it lies in memory, little-endian. The names are those of the safetensors format. */
public enum DType {
    F64(8, true),
    F32(4, true),
    F16(2, true),
    BF16(2, true),
    /** Bias 7, largest finite value 448, NaN 0x7F and 0xFF, no infinities. */
    F8_E4M3(1, true),
    F8_E5M2(1, true),
    I64(8, false),
    I32(4, false),
    I16(2, false),
    I8(1, false),
    U8(1, false),
    BOOL(1, false);

    private final int bytes;
    private final boolean floating;

    DType(int bytes, boolean floating) {
        this.bytes = bytes;
        this.floating = floating;
    }

    /** Size of one element. */
    public int bytes() {
        return bytes;
    }

    public boolean isFloating() {
        return floating;
    }
}
