package io.octavo.engine.solve;

import io.octavo.kernels.number.CodeFormat;

/** Rows of codes as they are stored, and one byte a code: two's complement without an offset, or the bits of a float. */
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

    /** @param codes whole rows, of an even number of columns for 4 bits */
    static byte[] pack(byte[] codes, CodeFormat format) {
        byte[] packed = new byte[codes.length * format.bits() / Byte.SIZE];
        for (int i = 0; i < codes.length; i++) {
            int stored = codes[i] + format.offset();
            if (format.bits() == Byte.SIZE) {
                packed[i] = (byte) stored;
            } else {
                packed[i / 2] |= (byte) ((stored & NIBBLE) << (i % 2 * format.bits()));
            }
        }
        return packed;
    }
}
