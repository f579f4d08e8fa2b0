package io.octavo.engine.solve;

import io.octavo.kernels.number.CodeFormat;

/** Rows of codes as they are stored, made one byte a code: two's complement without an offset, or the bits of a float. */
final class CodeRows {

    private static final int NIBBLE = 0xF;

    private CodeRows() {}

    /** @param packed whole rows */
    static byte[] unpack(byte[] packed, CodeFormat format) {
        byte[] codes = new byte[packed.length * (Byte.SIZE / format.bits())];
        for (int i = 0; i < codes.length; i++) {
            int stored = format.bits() == Byte.SIZE
                    ? Byte.toUnsignedInt(packed[i])
                    : packed[i / 2] >> (i % 2 * format.bits()) & NIBBLE;
            codes[i] = (byte) (stored - format.offset());
        }
        return codes;
    }
}
