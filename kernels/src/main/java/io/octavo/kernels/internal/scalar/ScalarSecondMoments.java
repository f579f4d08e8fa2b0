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
        for (int i = 0; i < x.columns(); i++) {
            accumulate(HostMatrix.of(x), HostMatrix.of(x), x.rows(), i, i, sums);
        }
    }

    @Override
    public void accumulate(Matrix x, Matrix y, Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(x, y, sums);
        for (int i = 0; i < x.columns(); i++) {
            accumulate(HostMatrix.of(x), HostMatrix.of(y), x.rows(), i, 0, sums);
        }
    }

    /** The row {@code i} of the sums, from the column {@code first} on. */
    private static void accumulate(HostMatrix x, HostMatrix y, long tokens, int i, int first, Matrix sums) {
        HostMatrix target = HostMatrix.of(sums);
        for (int j = first; j < sums.columns(); j++) {
            float sum = target.get(i, j);
            for (long token = 0; token < tokens; token++) {
                sum += x.get(token, i) * y.get(token, j);
            }
            target.set(i, j, sum);
        }
    }

    @Override
    public void accumulateGroups(Matrix x, Matrix starts, Matrix sums, Matrix counts, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkGroups(x, starts, sums, counts);
        int groups = (int) counts.columns();
        for (int group = 0; group < groups; group++) {
            int from = HostMatrix.of(starts).getInt(0, group);
            int to = HostMatrix.of(starts).getInt(0, group + 1);
            accumulate(x.rows(from, to), sums.part(group, groups), stream);
            HostMatrix.of(counts).setInt(0, group, HostMatrix.of(counts).getInt(0, group) + to - from);
        }
    }

    @Override
    public void squares(Matrix x, Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkSquares(x, sums);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix target = HostMatrix.of(sums);
        for (int j = 0; j < x.columns(); j++) {
            double sum = target.get(0, j);
            for (long token = 0; token < x.rows(); token++) {
                sum += (double) source.get(token, j) * source.get(token, j);
            }
            target.set(0, j, (float) sum);
        }
    }

    @Override
    public void mirror(Matrix sums, Stream stream) {
        HostStream.require(stream);
        int count = SecondMoments.check(sums);
        for (int each = 0; each < count; each++) {
            HostMatrix target = HostMatrix.of(sums.part(each, count));
            for (long i = 0; i < sums.columns(); i++) {
                for (long j = 0; j < i; j++) {
                    target.set(i, j, target.get(j, i));
                }
            }
        }
    }

    @Override
    public void arrange(Matrix sums, @Nullable Matrix order, Matrix shares, Matrix out, Stream stream) {
        HostStream.require(stream);
        SecondMoments.checkArranged(sums, order, shares, out);
        int columns = (int) sums.columns();
        int count = (int) shares.rows();
        for (int each = 0; each < count; each++) {
            HostMatrix source = HostMatrix.of(sums.part(each, count));
            HostMatrix target = HostMatrix.of(out.part(each, count));
            @Nullable Matrix own = order == null ? null : order.part(each, count);
            float share = HostMatrix.of(shares).get(each, 0);
            float added = HostMatrix.of(shares).get(each, 1);
            for (int i = 0; i < columns; i++) {
                for (int j = 0; j < columns; j++) {
                    float number = source.get(column(own, i, columns), column(own, j, columns));
                    target.set(i, j, number * share + (i == j ? added : 0));
                }
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
        for (long i = 0; i < sums.rows(); i++) {
            long column = i % sums.columns();
            HostMatrix.of(out)
                    .set(i / sums.columns(), column, HostMatrix.of(sums).get(i, column));
        }
    }
}
