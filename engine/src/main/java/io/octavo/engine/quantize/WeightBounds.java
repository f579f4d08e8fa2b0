package io.octavo.engine.quantize;

import io.octavo.kernels.quantization.QuantizationError;

/** What a module's written numbers are held against, known without the operations that made them. */
sealed interface WeightBounds permits RoundingBounds, SolvedBounds {

    /** The table that {@link QuantizationError} takes. NaN for bytes that are no codes, so that they fail. */
    float[] codebook();

    /**
     * Whether a stored scale is one for the numbers that share it.
     *
     * @param wholeScale what the scale is multiplied by
     * @param below how far they reach below zero
     * @param above how far they reach above zero
     * @param rowAbsmax the largest magnitude of all numbers in the same rows
     */
    boolean scaleFits(float scale, float wholeScale, float below, float above, float rowAbsmax);

    /**
     * The exact scale of numbers that share one, where its type is too small for it and keeps fewer bits than of others, at
     * last none; 0 where the type holds it, or where the numbers are nothing beside the largest of their rows.
     *
     * @param below how far they reach below zero
     * @param above how far they reach above zero
     * @param rowAbsmax the largest magnitude of all numbers in the same rows
     */
    double lostScale(float below, float above, float rowAbsmax);

    /** Whether a zero point may lie where it does. */
    boolean zeroPointFits(int zeroPoint, float scale, float below);

    /** Whether one scale of a whole tensor, or of several that share it, is one for their largest magnitude. */
    boolean wholeFits(float wholeScale, float absmax);

    /**
     * Whether a row of numbers may be as far from what is stored for it.
     *
     * @param error the root of the sum of its squared errors
     * @param norm the root of the sum of its squares
     * @param scales the root of the sum of its numbers' squared scales; what fits a smaller one fits
     */
    boolean rowFits(double error, double norm, double scales);
}
