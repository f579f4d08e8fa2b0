package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.operation.ExpertOrder;

final class ScalarExpertOrder implements ExpertOrder {

    @Override
    public void sort(Matrix chosen, Matrix sources, Matrix rows, Matrix starts, Stream stream) {
        HostStream.require(stream);
        ExpertOrder.check(chosen, sources, rows, starts);
        HostMatrix choice = HostMatrix.of(chosen);
        HostMatrix source = HostMatrix.of(sources);
        HostMatrix row = HostMatrix.of(rows);
        HostMatrix start = HostMatrix.of(starts);
        long experts = starts.columns() - 1;
        for (long token = 0; token < chosen.rows(); token++) {
            for (long j = 0; j < chosen.columns(); j++) {
                Operands.requireIndex("expert", choice.getInt(token, j), experts);
            }
        }
        int next = 0;
        for (long expert = 0; expert < experts; expert++) {
            start.setInt(0, expert, next);
            for (int token = 0; token < chosen.rows(); token++) {
                for (long j = 0; j < chosen.columns(); j++) {
                    if (choice.getInt(token, j) == expert) {
                        source.setInt(0, next, token);
                        row.setInt(token, j, next++);
                    }
                }
            }
        }
        start.setInt(0, experts, next);
    }
}
