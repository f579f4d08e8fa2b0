package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.Embedding;

final class ScalarEmbedding implements Embedding {

    @Override
    public void gather(Matrix table, Matrix ids, float multiplier, Matrix out, Stream stream) {
        HostStream.require(stream);
        Embedding.check(table, ids, out);
        HostMatrix rows = HostMatrix.of(table);
        HostMatrix id = HostMatrix.of(ids);
        HostMatrix result = HostMatrix.of(out);
        for (long token = 0; token < out.rows(); token++) {
            int row = id.getInt(0, token);
            boolean known = row >= 0 && row < table.rows();
            for (long c = 0; c < table.columns(); c++) {
                result.set(token, c, known ? rows.get(row, c) * multiplier : Float.NaN);
            }
        }
    }
}
