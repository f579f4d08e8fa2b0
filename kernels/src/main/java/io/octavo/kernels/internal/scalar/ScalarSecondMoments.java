package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.quantization.SecondMoments;
import org.jspecify.annotations.Nullable;

final class ScalarSecondMoments implements SecondMoments {

    @Override
    public void accumulate(Matrix x, Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(x, sums);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix target = HostMatrix.of(sums);
        for (long i = 0; i < x.columns(); i++) {
            for (long j = i; j < x.columns(); j++) {
                float sum = target.get(i, j);
                for (long token = 0; token < x.rows(); token++) {
                    sum += source.get(token, i) * source.get(token, j);
                }
                target.set(i, j, sum);
            }
        }
    }

    @Override
    public void mirror(Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(sums);
        HostMatrix target = HostMatrix.of(sums);
        for (long i = 0; i < sums.rows(); i++) {
            for (long j = 0; j < i; j++) {
                target.set(i, j, target.get(j, i));
            }
        }
    }

    @Override
    public void arrange(Matrix sums, @Nullable Matrix order, float share, float added, Matrix out, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkArranged(sums, order, out);
        int columns = (int) sums.columns();
        for (int i = 0; i < columns; i++) {
            for (int j = 0; j < columns; j++) {
                float number = HostMatrix.of(sums).get(column(order, i, columns), column(order, j, columns));
                HostMatrix.of(out).set(i, j, number * share + (i == j ? added : 0));
            }
        }
    }

    private static int column(@Nullable Matrix order, int i, int columns) {
        return order == null
                ? i
                : Operands.requireIndex("column", HostMatrix.of(order).getInt(0, i), columns);
    }

    @Override
    public void diagonal(Matrix sums, Matrix out, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkDiagonal(sums, out);
        for (long i = 0; i < sums.columns(); i++) {
            HostMatrix.of(out).set(0, i, HostMatrix.of(sums).get(i, i));
        }
    }
}
