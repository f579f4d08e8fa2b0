package io.octavo.engine.quantize;

import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.engine.scheme.Granularity;
import io.octavo.kernels.quantization.QuantizationError;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Judges a module's rows in their order by what the backend measured of them, and keeps what it finds first. */
final class RowBounds {

    /** Errors below the resolution of f64 are reported as this many decibels. */
    private static final double MAX_DECIBELS = 300;

    private final Quantize action;
    private final WeightBounds bounds;
    private final int groups;
    private final float wholeScale;

    /** Of the rows that share scales, up to here. */
    private final float[] reach;

    private final long tileRows;
    private final long groupColumns;
    private final boolean scalesByTile;
    private final String scaleType;
    private double squaredError;
    private double squaredNumber;
    private float absmax;
    private long lostRows;
    private long firstLostRow;
    private @Nullable String failure;

    RowBounds(Quantize action, WeightBounds bounds, QuantizedWeight stored) {
        this.action = action;
        this.bounds = bounds;
        this.groups = stored.groups();
        this.wholeScale = stored.globalScale();
        this.reach = new float[2 * groups];
        this.tileRows = action.layout().tile().rows();
        this.groupColumns = action.layout().tile().columns();
        this.scaleType = StoredScales.type(action);
        this.scalesByTile = !(action.scheme().weights().granularity() instanceof Granularity.PerTensor);
    }

    /**
     * @param measured {@code [rows, 3]}, as {@link QuantizationError} tells it
     * @param reached {@code [rows, groups, 2]}, likewise
     * @param scales {@code [rows, groups]}
     * @param zeroPoints of the same shape, or none
     * @throws io.octavo.engine.failure.QuantizationException {@code SCHEME_UNSUITABLE} for a scale that its type does not hold
     */
    void look(long from, long to, double[] measured, float[] reached, float[] scales, byte[] zeroPoints) {
        for (long row = from; row < to; row++) {
            int at = (int) (row - from);
            int first = at * QuantizationError.COLUMNS;
            squaredError += measured[first + QuantizationError.SQUARED_ERROR];
            squaredNumber += measured[first + QuantizationError.SQUARED_NUMBER];
            // Written so that NaN fails.
            double excess = measured[first + QuantizationError.EXCESS];
            if (!(excess <= 0)) {
                fail(row, "a number is " + excess + " scales farther from its code than rounding moves it");
            }
            judgeRow(row, at, measured, scales);
            for (int side = 0; side < reach.length; side++) {
                reach[side] = Math.max(reach[side], reached[at * reach.length + side]);
            }
            if ((row + 1) % tileRows == 0 || row + 1 == action.outFeatures()) {
                closeTile(row, at * groups, scales, zeroPoints);
            }
        }
    }

    private void judgeRow(long row, int at, double[] measured, float[] scales) {
        double error = Math.sqrt(measured[at * QuantizationError.COLUMNS + QuantizationError.SQUARED_ERROR]);
        double norm = Math.sqrt(measured[at * QuantizationError.COLUMNS + QuantizationError.SQUARED_NUMBER]);
        // Every code is zero: what a scale cannot hold beside larger numbers of the module rounds to nothing.
        if (norm > 0 && error >= norm) {
            firstLostRow = lostRows == 0 ? row : firstLostRow;
            lostRows++;
        }
        // What fits without scales fits with them, and most rows do.
        if (!bounds.rowFits(error, norm, 0) && !bounds.rowFits(error, norm, norm(at * groups, scales))) {
            fail(row, "its codes are " + error + " away from numbers whose norm is " + norm);
        }
    }

    /** Of the scales of a row, one for each of its numbers. */
    private double norm(int at, float[] scales) {
        double squares = 0;
        for (int group = 0; group < groups; group++) {
            double scale = (double) scales[at + group] * wholeScale;
            squares += scale * scale * Math.min(groupColumns, action.inFeatures() - group * groupColumns);
        }
        return Math.sqrt(squares);
    }

    private void closeTile(long row, int at, float[] scales, byte[] zeroPoints) {
        float rowAbsmax = 0;
        for (float far : reach) {
            rowAbsmax = Math.max(rowAbsmax, far);
        }
        for (int group = 0; group < groups; group++) {
            float below = reach[2 * group];
            float above = reach[2 * group + 1];
            float scale = scales[at + group];
            absmax = Math.max(absmax, Math.max(below, above));
            reach[2 * group] = 0;
            reach[2 * group + 1] = 0;
            if (scalesByTile && !bounds.scaleFits(scale, wholeScale, below, above, rowAbsmax)) {
                fail(
                        row,
                        "scale " + scale + " of group " + group + " is not one for numbers from " + -below + " to "
                                + above);
            }
            double lost = scalesByTile ? bounds.lostScale(below, above, rowAbsmax) : 0;
            if (lost > 0) {
                throw StoredScales.lost(action.module(), row, lost, scaleType);
            }
            if (zeroPoints.length > 0 && !bounds.zeroPointFits(zeroPoints[at + group], scale, below)) {
                fail(row, "zero point " + zeroPoints[at + group] + " of group " + group + " is not where zero lies");
            }
        }
    }

    private void fail(long row, String what) {
        if (failure == null) {
            failure = "module " + action.module() + ", row " + row + ": " + what;
        }
    }

    /** Of the whole weight, once every row was looked at. */
    ModuleError error() {
        double relative = squaredError == 0 ? 0 : Math.sqrt(squaredError / squaredNumber);
        double decibels = relative == 0 ? MAX_DECIBELS : Math.min(-20 * Math.log10(relative), MAX_DECIBELS);
        return new ModuleError(action.module(), relative, decibels);
    }

    Optional<String> failure() {
        return Optional.ofNullable(failure);
    }

    /** What the bounds allow, but people should know. */
    Optional<String> note() {
        return lostRows == 0
                ? Optional.empty()
                : Optional.of("module " + action.module() + ": numbers so small beside its largest that " + lostRows
                        + (lostRows == 1 ? " row became zeros, row " : " rows became zeros, first row ")
                        + firstLostRow);
    }

    /** Of the whole weight, once every row was looked at. */
    float absmax() {
        return absmax;
    }
}
