package io.octavo.engine.solve;

import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.number.CodeFormat;
import java.util.Arrays;

/**
 * Makes the loss {@code d h d^T} of a row smaller, {@code d} being what rounding changed in it: each code in turn becomes the
 * best one while all others stay, then each scale; until that no longer pays. Neither step can make the loss larger.
 */
final class Refinement {

    /** A sweep that gains less than this share of the loss is the last. */
    private static final double WORTHWHILE = 1e-3;

    private static final int MOST_SWEEPS = 12;
    private static final int CODES = 256;

    private final float[][] h;
    private final int columns;
    private final WeightFormat format;
    private final CodeFormat codeFormat;
    private final float[] numbers = new float[CODES];
    private final float wholeScale;
    private final boolean scales;

    /** @param h {@code [inFeatures, inFeatures]}, the second moments of the inputs */
    Refinement(float[][] h, WeightFormat format) {
        this.h = h;
        this.columns = format.inFeatures();
        this.format = format;
        this.codeFormat = format.codes();
        this.wholeScale = 1 / format.divisor();
        this.scales = format.tileRows() == 1;
        for (int code = 0; code < CODES; code++) {
            numbers[code] = format.quantization().type().number((byte) code);
        }
    }

    /**
     * @param gradient {@code [columns]}: {@code d h}, which is kept so
     * @param codes of some rows, one byte each; those from {@code codesAt} on change
     * @param stored the scales as they are stored; those from {@code scalesAt} on change
     * @param zeroPoints of the same places, or none
     */
    void refine(
            float[] gradient, double loss, byte[] codes, int codesAt, float[] stored, byte[] zeroPoints, int scalesAt) {
        var row = new Row(gradient, codes, codesAt, stored, zeroPoints, scalesAt);
        double left = loss;
        for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
            double gain = row.improveCodes() + (scales ? row.improveScales() : 0);
            left -= gain;
            if (!(gain > WORTHWHILE * left)) {
                return;
            }
        }
    }

    private final class Row {

        private final float[] gradient;
        private final byte[] codes;
        private final int codesAt;
        private final float[] stored;
        private final byte[] zeroPoints;
        private final int scalesAt;
        private final float[] group = new float[format.tileColumns()];
        private final float[] weighed = new float[format.tileColumns()];

        Row(float[] gradient, byte[] codes, int codesAt, float[] stored, byte[] zeroPoints, int scalesAt) {
            this.gradient = gradient;
            this.codes = codes;
            this.codesAt = codesAt;
            this.stored = stored;
            this.zeroPoints = zeroPoints;
            this.scalesAt = scalesAt;
        }

        private int zeroPoint(int tile) {
            return zeroPoints.length == 0 ? 0 : zeroPoints[scalesAt + tile];
        }

        private float number(int column, int zeroPoint) {
            return numbers[Byte.toUnsignedInt(codes[codesAt + column])] - zeroPoint;
        }

        /** @return by how much the loss falls */
        double improveCodes() {
            double gain = 0;
            for (int column = 0; column < columns; column++) {
                float curvature = h[column][column];
                if (!(curvature > 0)) {
                    continue;
                }
                int tile = column / format.tileColumns();
                int zeroPoint = zeroPoint(tile);
                float scale = stored[scalesAt + tile] * wholeScale;
                float now = number(column, zeroPoint);
                int code = codeFormat.code(now + gradient[column] / curvature / scale, zeroPoint);
                float step = (numbers[code & (CODES - 1)] - zeroPoint - now) * scale;
                double better = 2.0 * step * gradient[column] - (double) step * step * curvature;
                if (step != 0 && better > 0) {
                    codes[codesAt + column] = (byte) code;
                    move(column, step);
                    gain += better;
                }
            }
            return gain;
        }

        double improveScales() {
            double gain = 0;
            for (int tile = 0; tile < format.groups(); tile++) {
                int from = tile * format.tileColumns();
                int to = Math.min(from + format.tileColumns(), columns);
                double slope = 0;
                for (int column = from; column < to; column++) {
                    group[column - from] = number(column, zeroPoint(tile));
                    slope += (double) group[column - from] * gradient[column];
                }
                double curvature = curvature(from, to - from);
                float old = stored[scalesAt + tile];
                float exact = (float) (old * wholeScale + slope / curvature);
                float other = exact > 0 && Float.isFinite(exact) ? format.stored(exact) : old;
                float step = (other - old) * wholeScale;
                double better = 2.0 * step * slope - (double) step * step * curvature;
                if (step != 0 && better > 0) {
                    stored[scalesAt + tile] = other;
                    for (int column = from; column < to; column++) {
                        move(column, step * group[column - from]);
                    }
                    gain += better;
                }
            }
            return gain;
        }

        /** {@code c h c^T} of the group's codes. */
        private double curvature(int from, int count) {
            Arrays.fill(weighed, 0);
            for (int i = 0; i < count; i++) {
                add(group[i], h[from + i], from, weighed, count);
            }
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += (double) group[i] * weighed[i];
            }
            return sum;
        }

        /** A number moves; what its column weighs moves with it. */
        private void move(int column, float step) {
            add(-step, h[column], 0, gradient, columns);
        }
    }

    /** A loop that compilers turn into vectors. */
    private static void add(float factor, float[] row, int from, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] += factor * row[from + i];
        }
    }
}
