package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.ExpertCombine;

final class ScalarExpertCombine implements ExpertCombine {

    @Override
    public void combine(Matrix x, Matrix rows, Matrix weights, Matrix out, Stream stream) {
        HostStream.require(stream);
        ExpertCombine.check(x, rows, weights, out);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix row = HostMatrix.of(rows);
        HostMatrix weight = HostMatrix.of(weights);
        HostMatrix result = HostMatrix.of(out);
        for (long token = 0; token < out.rows(); token++) {
            for (long c = 0; c < out.columns(); c++) {
                float sum = 0;
                for (long j = 0; j < rows.columns(); j++) {
                    int from = row.getInt(token, j);
                    boolean known = from >= 0 && from < x.rows();
                    sum += known ? weight.get(token, j) * values.get(from, c) : Float.NaN;
                }
                result.set(token, c, sum);
            }
        }
    }
}
