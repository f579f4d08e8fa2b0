package io.octavo.engine.quantize;

import io.octavo.kernels.quantization.QuantizationError;
import java.util.Arrays;

/**
 * What codes can be that were solved for instead of rounded to. That they are the solved ones is seen by comparing bytes; this
 * tells whether those can be a solution at all.
 *
 * <p>No number need lie near its own code: GPTQ moves the errors of numbers into others of the same row. With a damping of
 * {@code d} times the mean of the Hessian's diagonal, a row's error is at most {@code sqrt((1 + d) / d)} times the largest that
 * rounding makes of it, since each rounding is weighed by no more than that diagonal and the whole by no less than the damping:
 * ten times for the usual 0.01, which would let pass anything. So a row is given that largest error of rounding (half the
 * widest gap between codes, by its scales) and {@value #MOST_LOST} of its own norm beside it, a quarter of its energy: solvers
 * lose a few percent of it, while zeros in place of a row lose all, and another row or signs double it.
 *
 * <p>A solver takes scales from numbers that it has changed, a search from a part of their range. Both stay within a factor of
 * {@value #ORDER}: of what the numbers that share a scale lead to, downwards, and of what their rows lead to, upwards, since a
 * number receives no errors but of its row.
 *
 * @param rounding the same module's, if its codes were rounded to
 * @param nearest whether each code must still be the nearest for its scale; what is cut off counts for the row
 * @param widestHalf of the gaps between two codes
 */
record SolvedBounds(RoundingBounds rounding, boolean nearest, double widestHalf) implements WeightBounds {

    private static final double MOST_LOST = 0.5;

    private static final float ORDER = 16;

    static SolvedBounds of(RoundingBounds rounding, boolean nearest) {
        double widest = 0;
        for (float half : Arrays.copyOfRange(
                rounding.codebook(),
                QuantizationError.CODES,
                QuantizationError.CODEBOOK_ROWS * QuantizationError.CODES)) {
            widest = Float.isFinite(half) ? Math.max(widest, half) : widest;
        }
        return new SolvedBounds(rounding, nearest, widest);
    }

    @Override
    public float[] codebook() {
        float[] book = rounding.codebook();
        for (int at = QuantizationError.CODES; at < book.length && !nearest; at++) {
            book[at] = Float.isNaN(book[at]) ? Float.NaN : Float.POSITIVE_INFINITY;
        }
        return book;
    }

    @Override
    public boolean scaleFits(float scale, float wholeScale, float below, float above, float rowAbsmax) {
        return rounding.isZero(scale)
                || (scale * ORDER >= rounding.exactScale(wholeScale, below, above)
                        && scale <= ORDER * rounding.exactScale(wholeScale, rowAbsmax, rowAbsmax));
    }

    @Override
    public double lostScale(float below, float above, float rowAbsmax) {
        return rounding.lostScale(below, above, rowAbsmax);
    }

    @Override
    public boolean zeroPointFits(int zeroPoint, float scale, float below) {
        int half = 1 << (rounding.weights().type().bits() - 1);
        return zeroPoint >= -half && zeroPoint < half;
    }

    @Override
    public boolean wholeFits(float wholeScale, float absmax) {
        double exact = rounding.exactWhole(absmax);
        return absmax == 0 || (wholeScale >= exact / ORDER && wholeScale <= exact * ORDER);
    }

    @Override
    public boolean rowFits(double error, double norm, double scales) {
        return error <= MOST_LOST * norm + widestHalf * scales;
    }
}
