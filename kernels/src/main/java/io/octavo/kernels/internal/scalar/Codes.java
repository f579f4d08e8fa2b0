package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.number.CodeFormat;

/** Codes one at a time. */
final class Codes {

    private Codes() {}

    /** In the low bits: two's complement without any offset, or the float's bits. Floats have no zero point. */
    static int code(float quotient, int zeroPoint, CodeFormat format) {
        return format.code(quotient, zeroPoint);
    }

    /** @param target U8, {@code [rows, format.rowBytes(columns)]} */
    static void set(HostMatrix target, long row, long column, CodeFormat format, int code) {
        if (format.bits() == Byte.SIZE) {
            target.setByte(row, column, code + format.offset());
        } else {
            setNibble(target, row, column, code + format.offset());
        }
    }

    /** What {@link #set} put there. */
    static int get(HostMatrix codes, long row, long column, CodeFormat format) {
        int stored = format.bits() == Byte.SIZE
                ? (int) codes.get(row, column)
                : (int) codes.get(row, column / 2) >> (column % 2 * format.bits()) & 0x0F;
        return format == CodeFormat.INT8 ? (byte) stored : stored - format.offset();
    }

    private static void setNibble(HostMatrix target, long row, long column, int nibble) {
        int before = (int) target.get(row, column / 2);
        int both = column % 2 == 0 ? (before & 0xF0) | nibble : (before & 0x0F) | (nibble << 4);
        target.setByte(row, column / 2, both);
    }
}
