package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static jdk.incubator.vector.FloatVector.broadcast;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.operation.ExpertCombine;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

public final class VectorExpertCombine implements ExpertCombine {

    private final WorkerPool workers;

    public VectorExpertCombine(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void combine(Matrix x, Matrix rows, Matrix weights, Matrix out, Stream stream) {
        HostStream.require(stream);
        ExpertCombine.check(x, rows, weights, out);
        int columns = (int) out.columns();
        int perToken = (int) rows.columns();
        long xAt = Native.address(x);
        long rowsAt = Native.address(rows);
        long weightsAt = Native.address(weights);
        long outAt = Native.address(out);
        long rowBytes = (long) columns * Float.BYTES;
        workers.runRanges(out.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] sums = scratch.floats(Scratch.Use.SUMS, columns);
            for (long token = from; token < to; token++) {
                Arrays.fill(sums, 0, columns, 0);
                for (int j = 0; j < perToken; j++) {
                    long choice = token * perToken + j;
                    int row = Native.getInt(rowsAt + choice * Integer.BYTES);
                    if (row >= 0 && row < x.rows()) {
                        float weight = Native.getFloat(weightsAt + choice * Float.BYTES);
                        addWeighted(sums, xAt + row * rowBytes, weight, columns);
                    } else {
                        Arrays.fill(sums, 0, columns, Float.NaN);
                    }
                }
                RowReader.write(sums, 0, columns, outAt + token * rowBytes);
            }
        });
    }

    private static void addWeighted(float[] sums, long x, float weight, int columns) {
        int c = 0;
        for (; c + LANES <= columns; c += LANES) {
            FloatVector sum = FloatVector.fromArray(FLOATS, sums, c);
            Native.load(x + (long) c * Float.BYTES)
                    .fma(broadcast(FLOATS, weight), sum)
                    .intoArray(sums, c);
        }
        for (; c < columns; c++) {
            sums[c] = Math.fma(Native.getFloat(x + (long) c * Float.BYTES), weight, sums[c]);
        }
    }
}
