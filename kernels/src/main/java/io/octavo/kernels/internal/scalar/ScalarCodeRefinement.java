package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.CodeRefinement;

/** In f64. */
final class ScalarCodeRefinement implements CodeRefinement {

    @Override
    public void refine(Arguments a, Stream stream) {
        HostStream.require(stream);
        for (Arguments input : a.byInput()) {
            for (long row = 0; row < input.weights().rows(); row++) {
                new Row(input, row).refine();
            }
        }
    }

    private static final class Row {

        private final Arguments a;
        private final long row;
        private final int columns;
        private final HostMatrix h;
        private final HostMatrix scales;
        private final HostMatrix codes;

        /** {@code d h} */
        private final double[] gradient;

        Row(Arguments a, long row) {
            this.a = a;
            this.row = row;
            this.columns = (int) a.weights().columns();
            this.h = HostMatrix.of(a.moments());
            this.scales = HostMatrix.of(a.scales());
            this.codes = HostMatrix.of(a.codes());
            this.gradient = new double[columns];
            for (int column = 0; column < columns; column++) {
                move(column, -difference(column));
            }
        }

        void refine() {
            double left = loss();
            for (int sweep = 0; sweep < a.mostSweeps(); sweep++) {
                double gain = sweep();
                left -= gain;
                if (!(gain > WORTHWHILE * left)) {
                    break;
                }
            }
            HostMatrix.of(a.losses()).set(0, row, (float) loss());
        }

        private double sweep() {
            double gain = 0;
            for (int from = 0; from < columns; from += a.groupColumns()) {
                int to = Math.min(from + a.groupColumns(), columns);
                for (int column = from; column < to; column++) {
                    gain += improveCode(column);
                }
                if (a.refinesScales()) {
                    gain += improveScale(from, to);
                }
            }
            return gain;
        }

        private double improveCode(int column) {
            double curvature = h.get(column, column);
            if (!(curvature > 0)) {
                return 0;
            }
            double now = number(column);
            double wanted = now + gradient[column] / curvature / scale(column);
            int code = Codes.code((float) wanted, zeroPoint(column), a.format());
            double step = (a.format().number(code) - zeroPoint(column) - now) * scale(column);
            double gain = 2 * step * gradient[column] - step * step * curvature;
            if (!(gain > 0)) {
                return 0;
            }
            Codes.set(codes, row, column, a.format(), code);
            move(column, step);
            return gain;
        }

        private double improveScale(int from, int to) {
            double slope = 0;
            double curvature = 0;
            for (int i = from; i < to; i++) {
                slope += number(i) * gradient[i];
                for (int j = from; j < to; j++) {
                    curvature += number(i) * h.get(i, j) * number(j);
                }
            }
            float old = scales.get(tileRow(), group(from));
            double exact = old / a.divisor() + slope / curvature;
            float stored =
                    exact > 0 && Double.isFinite(exact) ? a.scaleFormat().nearest((float) (exact * a.divisor())) : old;
            double step = ((double) stored - old) / a.divisor();
            double gain = 2 * step * slope - step * step * curvature;
            if (!(gain > 0)) {
                return 0;
            }
            scales.set(tileRow(), group(from), stored);
            for (int i = from; i < to; i++) {
                move(i, step * number(i));
            }
            return gain;
        }

        /** What stands for a weight grows. */
        private void move(int column, double step) {
            for (int i = 0; i < columns; i++) {
                gradient[i] -= step * h.get(column, i);
            }
        }

        private double loss() {
            double loss = 0;
            for (int column = 0; column < columns; column++) {
                loss += difference(column) * gradient[column];
            }
            return loss;
        }

        private double difference(int column) {
            return HostMatrix.of(a.weights()).get(row, column) - number(column) * scale(column);
        }

        private double number(int column) {
            return a.format().number(Codes.get(codes, row, column, a.format())) - (double) zeroPoint(column);
        }

        private double scale(int column) {
            return scales.get(tileRow(), group(column)) / (double) a.divisor();
        }

        private int zeroPoint(int column) {
            return a.zeroPoints() == null
                    ? 0
                    : (int) HostMatrix.of(a.zeroPoints()).get(tileRow(), group(column));
        }

        private long tileRow() {
            return row / a.tile().rows();
        }

        private int group(int column) {
            return column / a.groupColumns();
        }
    }
}
