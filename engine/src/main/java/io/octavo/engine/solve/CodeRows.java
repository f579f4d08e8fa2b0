package io.octavo.engine.solve;

import io.octavo.kernels.number.CodeFormat;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Rows of codes as they are stored, made one byte a code: two's complement without an offset, or the bits of a float. */
final class CodeRows {

    private static final int NIBBLE = 0xF;
    private static final int BYTES = 1 << Byte.SIZE;
    private static final VarHandle PAIRS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private CodeRows() {}

    /**
     * @param packed rows of which those from byte {@code from} on are read
     * @param target receives {@code count} codes
     */
    static void unpack(byte[] packed, int from, int count, CodeFormat format, byte[] target) {
        if (format.bits() == Byte.SIZE) {
            for (int i = 0; i < count; i++) {
                target[i] = (byte) (packed[from + i] - format.offset());
            }
            return;
        }
        short[] pairs = new short[BYTES];
        for (int i = 0; i < BYTES; i++) {
            int low = (i & NIBBLE) - format.offset();
            int high = (i >> (Byte.SIZE / 2)) - format.offset();
            pairs[i] = (short) ((low & (BYTES - 1)) | (high << Byte.SIZE));
        }
        for (int i = 0; i < count / 2; i++) {
            PAIRS.set(target, 2 * i, pairs[Byte.toUnsignedInt(packed[from + i])]);
        }
    }
}
