package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.product.GroupedMatMul;
import io.octavo.kernels.product.MatMul;
import java.util.List;

/** One product after the other: each uses all threads. */
public final class HostGroupedMatMul implements GroupedMatMul {

    private final MatMul matMul;

    public HostGroupedMatMul(MatMul matMul) {
        this.matMul = matMul;
    }

    @Override
    public void multiply(ScaledMatrix a, Matrix starts, List<ScaledMatrix> weights, Matrix out, Stream stream) {
        HostStream.require(stream);
        GroupedMatMul.check(a, starts, weights, out);
        int[] bounds = bounds(starts, a.rows());
        for (int group = 0; group < weights.size(); group++) {
            long from = bounds[group];
            long to = bounds[group + 1];
            if (from < to) {
                matMul.multiply(a.rows(from, to), weights.get(group), out.rows(from, to), stream);
            }
        }
    }

    private static int[] bounds(Matrix starts, long rows) {
        HostMatrix values = HostMatrix.of(starts);
        int[] bounds = new int[Math.toIntExact(starts.columns())];
        int last = 0;
        for (int i = 0; i < bounds.length; i++) {
            bounds[i] = values.getInt(0, i);
            boolean ends = i + 1 == bounds.length;
            if (bounds[i] < last || (i == 0 && bounds[i] != 0) || (ends && bounds[i] != rows)) {
                throw new IllegalArgumentException(
                        "starts[" + i + "] is " + bounds[i] + "; they must ascend from 0 to " + rows);
            }
            last = bounds[i];
        }
        return bounds;
    }
}
