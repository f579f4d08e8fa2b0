package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.Float4;
import io.octavo.kernels.number.Float8;

/** Codes one at a time. */
final class Codes {

    private Codes() {}

    /** In the low bits: two's complement without any offset, or the float's bits. Floats have no zero point. */
    static int code(float quotient, int zeroPoint, CodeFormat format) {
        return switch (format) {
            case E4M3 -> Float8.toE4m3(quotient) & 0xFF;
            case E2M1 -> Float4.toE2m1(quotient);
            case INT8, INT8_OFFSET, INT4_OFFSET ->
                (int) Math.rint(Math.clamp(quotient + zeroPoint, format.lowest(), format.highest()));
        };
    }

    /** The number that a code stands for. */
    static float number(int code, CodeFormat format) {
        return switch (format) {
            case E4M3 -> Float8.fromE4m3((byte) code);
            case E2M1 -> Float4.fromE2m1(code);
            case INT8, INT8_OFFSET, INT4_OFFSET -> code;
        };
    }

    /** @param target U8, {@code [rows, format.rowBytes(columns)]} */
    static void set(HostMatrix target, long row, long column, CodeFormat format, int code) {
        switch (format) {
            case E4M3, INT8 -> target.setByte(row, column, code);
            case INT8_OFFSET -> target.setByte(row, column, code + 128);
            case E2M1 -> setNibble(target, row, column, code);
            case INT4_OFFSET -> setNibble(target, row, column, code + 8);
        }
    }

    private static void setNibble(HostMatrix target, long row, long column, int nibble) {
        int before = (int) target.get(row, column / 2);
        int both = column % 2 == 0 ? (before & 0xF0) | nibble : (before & 0x0F) | (nibble << 4);
        target.setByte(row, column / 2, both);
    }
}
