package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.operation.Embedding;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

public final class VectorEmbedding implements Embedding {

    private final WorkerPool workers;

    public VectorEmbedding(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void gather(Matrix table, Matrix ids, float multiplier, Matrix out, Stream stream) {
        HostStream.require(stream);
        Embedding.check(table, ids, out);
        int columns = (int) table.columns();
        long tableAt = Native.address(table);
        long rowBytes = Matrix.bytes(table.dtype(), 1, columns);
        long idsAt = Native.address(ids);
        long outAt = Native.address(out);
        workers.runRanges(out.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] values = scratch.floats(Scratch.Use.ROWS, columns);
            for (long token = from; token < to; token++) {
                int id = Native.getInt(idsAt + token * Integer.BYTES);
                if (id >= 0 && id < table.rows()) {
                    RowReader.read(table.dtype(), tableAt + id * rowBytes, columns, values, 0);
                } else {
                    Arrays.fill(values, 0, columns, Float.NaN);
                }
                store(values, columns, multiplier, outAt + token * columns * Float.BYTES);
            }
        });
    }

    private static void store(float[] values, int columns, float multiplier, long target) {
        int c = 0;
        for (; c + LANES <= columns; c += LANES) {
            Native.store(FloatVector.fromArray(FLOATS, values, c).mul(multiplier), target + (long) c * Float.BYTES);
        }
        for (; c < columns; c++) {
            Native.setFloat(target + (long) c * Float.BYTES, values[c] * multiplier);
        }
    }
}
