package io.octavo.engine.calibrate;

/**
 * How many numbers had magnitudes in each of some bins of one width.
 *
 * @param counts by bin, and last how many were not finite; owned by this
 * @param width of a bin; numbers past the last bin count in it
 */
@SuppressWarnings("ArrayRecordComponent") // What a kernel counted, read here alone.
record MagnitudeHistogram(long[] counts, double width) {

    /** The upper edge of the bin with which a share of all numbers is reached; infinite in the last one, which has none. */
    double percentile(double share) {
        long total = 0;
        for (int bin = 0; bin < bins(); bin++) {
            total += counts[bin];
        }
        long reached = 0;
        for (int bin = 0; bin < bins() - 1; bin++) {
            reached += counts[bin];
            if (reached >= share * total) {
                return (bin + 1) * width;
            }
        }
        return Double.POSITIVE_INFINITY;
    }

    /**
     * The largest magnitude that keeps the sum of squared errors smallest when what lies above is cut off there, and the rest is
     * rounded to evenly spaced numbers: errors within a step are taken as spread evenly.
     *
     * @param steps from zero to the largest magnitude
     * @param absmax the largest magnitude that there was, where the last bin ends
     */
    double leastError(double steps, double absmax) {
        double above = 0;
        double sumAbove = 0;
        double squaresAbove = 0;
        double total = 0;
        for (int bin = 0; bin < bins(); bin++) {
            total += counts[bin];
        }
        double best = absmax;
        double least = total * square(absmax / steps) / 12;
        for (int bin = bins() - 1; bin > 0; bin--) {
            double middle = bin == bins() - 1 ? absmax : (bin + 0.5) * width;
            above += counts[bin];
            sumAbove += counts[bin] * middle;
            squaresAbove += counts[bin] * square(middle);
            double limit = bin * width;
            double cutOff = squaresAbove - 2 * limit * sumAbove + above * square(limit);
            double error = cutOff + (total - above) * square(limit / steps) / 12;
            if (limit < absmax && error < least) {
                least = error;
                best = limit;
            }
        }
        return best;
    }

    private int bins() {
        return counts.length - 1;
    }

    private static double square(double x) {
        return x * x;
    }
}
