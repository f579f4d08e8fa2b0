package io.octavo.engine.solve.scale;

import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.quantization.ScaleSearch.Reach;

/** The obvious twin of {@link SearchedScales}: every scale within its reach, one number at a time, in f64. */
final class SlowScaleSearch {

    private final float[] weights;
    private final float[] importance;
    private final WeightFormat format;

    /** @param importance what squares of errors are multiplied with */
    SlowScaleSearch(float[] weights, float[] importance, WeightFormat format) {
        this.weights = weights;
        this.importance = importance;
        this.format = format;
    }

    /** What a tile costs with a scale as it is stored, rounded to the codes that the engine would take. */
    double loss(int tile, float scale, int zeroPoint) {
        int columns = format.inFeatures();
        int rows = weights.length / columns;
        int left = tile % format.groups() * format.tileColumns();
        int right = Math.min(left + format.tileColumns(), columns);
        long top = tile / format.groups() * (long) Math.min(format.tileRows(), rows);
        double loss = 0;
        for (long row = top; row < Math.min(top + format.tileRows(), rows); row++) {
            for (int column = left; column < right; column++) {
                double error = error(weights[(int) row * columns + column], scale / format.divisor(), zeroPoint);
                loss += error * importance[column] * error;
            }
        }
        return loss;
    }

    private double error(float number, float scale, int zeroPoint) {
        CodeFormat codes = format.codes();
        int code = codes.code(number / scale, zeroPoint);
        return (codes.number(code) - (double) zeroPoint) * scale - number;
    }

    /** The least that a tile can cost within the search's reach, whatever the zero point. */
    double least(int tile, float plain) {
        Reach reach = Reaches.of(format);
        int rung = format.scaleFormat().rung(plain);
        boolean shifts = !format.quantization().symmetric();
        double least = Double.POSITIVE_INFINITY;
        for (int at = rung - reach.below(); at <= rung + reach.above(); at += reach.finest()) {
            for (int zeroPoint = shifts ? -8 : 0; zeroPoint <= (shifts ? 7 : 0); zeroPoint++) {
                least = Math.min(least, loss(tile, format.scaleFormat().scale(at), zeroPoint));
            }
        }
        return least;
    }
}
