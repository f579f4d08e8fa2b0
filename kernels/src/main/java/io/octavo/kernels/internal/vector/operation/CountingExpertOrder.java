package io.octavo.kernels.internal.vector.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.operation.ExpertOrder;

/** Sorts by counting, in one thread: a few steps a row, beside thousands in the products that follow. */
public final class CountingExpertOrder implements ExpertOrder {

    @Override
    public void sort(Matrix chosen, Matrix sources, Matrix rows, Matrix starts, Stream stream) {
        HostStream.require(stream);
        ExpertOrder.check(chosen, sources, rows, starts);
        int experts = (int) starts.columns() - 1;
        int perToken = (int) chosen.columns();
        int count = (int) chosen.elements();
        long chosenAt = Native.address(chosen);
        long sourcesAt = Native.address(sources);
        long rowsAt = Native.address(rows);
        int[] next = starts(chosenAt, count, experts);
        long startsAt = Native.address(starts);
        for (int expert = 0; expert <= experts; expert++) {
            Native.setInt(startsAt + (long) expert * Integer.BYTES, next[expert]);
        }
        for (int i = 0; i < count; i++) {
            int row = next[Native.getInt(chosenAt + (long) i * Integer.BYTES)]++;
            Native.setInt(sourcesAt + (long) row * Integer.BYTES, i / perToken);
            Native.setInt(rowsAt + (long) i * Integer.BYTES, row);
        }
    }

    private static int[] starts(long chosenAt, int count, int experts) {
        int[] starts = new int[experts + 1];
        for (int i = 0; i < count; i++) {
            int expert = Native.getInt(chosenAt + (long) i * Integer.BYTES);
            starts[Operands.requireIndex("expert", expert, experts) + 1]++;
        }
        for (int expert = 0; expert < experts; expert++) {
            starts[expert + 1] += starts[expert];
        }
        return starts;
    }
}
