package io.octavo.engine.solve.scale;

import io.octavo.kernels.number.CodeFormat;

/** The obvious twin of {@link SearchedScales}: every scale within its reach, one number at a time, in f64. */
final class SlowScaleSearch {

    private final float[] weights;
    private final double[][] products;
    private final WeightFormat format;

    /** @param products what pairs of errors are multiplied with; {@code [inFeatures, inFeatures]}, or its diagonal alone */
    SlowScaleSearch(float[] weights, double[][] products, WeightFormat format) {
        this.weights = weights;
        this.products = products;
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
            double[] errors = new double[columns];
            for (int column = left; column < right; column++) {
                errors[column] = error(weights[(int) row * columns + column], scale / format.divisor(), zeroPoint);
            }
            for (int i = left; i < right; i++) {
                for (int j = left; j < right; j++) {
                    double weight = products.length > 1 ? products[i][j] : i == j ? products[0][i] : 0;
                    loss += errors[i] * weight * errors[j];
                }
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
        Reach reach = Reach.of(format);
        int rung = reach.scales().rung(plain);
        boolean shifts = !format.quantization().symmetric();
        double least = Double.POSITIVE_INFINITY;
        for (int at = rung - reach.below(); at <= rung + reach.above(); at += reach.finest()) {
            for (int zeroPoint = shifts ? -8 : 0; zeroPoint <= (shifts ? 7 : 0); zeroPoint++) {
                least = Math.min(least, loss(tile, reach.scales().scale(at), zeroPoint));
            }
        }
        return least;
    }
}
