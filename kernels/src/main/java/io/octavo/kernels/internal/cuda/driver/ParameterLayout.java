package io.octavo.kernels.internal.cuda.driver;

import java.nio.ByteBuffer;

/**
 * A kernel's parameter struct as the compiler laid it out: read from the module itself, so that Java's idea of it cannot
 * drift from the kernel's unnoticed.
 */
final class ParameterLayout {

    /** Set if the file's kernels keep the rules of overlapping launches, as common.cuh has them. */
    private static final int OVERLAPS = 1 << 31;

    /** {@code [struct bytes and flags, offset and bytes of each member in order]} */
    private final int[] table;

    private ParameterLayout(int[] table) {
        if (table.length < 3 || table.length % 2 == 0) {
            throw new IllegalStateException("a table of parameters has " + table.length + " entries");
        }
        this.table = table;
    }

    static ParameterLayout of(ByteBuffer entries) {
        int[] table = new int[entries.remaining() / Integer.BYTES];
        entries.asIntBuffer().get(table);
        return new ParameterLayout(table);
    }

    /** Whether a kernel may begin before one in front of it ends, if that one may too. */
    boolean overlaps() {
        return (table[0] & OVERLAPS) != 0;
    }

    int members() {
        return table.length / 2;
    }

    int offset(int member) {
        return table[1 + 2 * member];
    }

    int bytes(int member) {
        return table[2 + 2 * member];
    }
}
