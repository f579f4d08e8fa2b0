package io.octavo.engine.modify;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedSet;

/**
 * What rounding inputs and weights of some Linears to 8-bit integers is expected to add to their outputs: errors are taken as
 * spread evenly over a step and independent of each other, so that their squares add up.
 *
 * <p>An input's step follows from its largest channel. A channel that is smaller than that costs no more than what it is itself:
 * it becomes zero. A weight's step follows from the largest number of its row.
 */
final class RoundingNoise {

    /** Steps from zero to the largest number. */
    private static final double STEPS = 127.5;

    /** The mean of the square of an error that is spread evenly over a step. */
    private static final double VARIANCE = 1 / 12.0;

    private final List<float[]> weights = new ArrayList<>();
    private final float[] magnitudes;
    private final float[] squares;

    /**
     * @param magnitudes the largest of each input channel
     * @param mostRows of a weight that are looked at
     */
    RoundingNoise(SequencedSet<String> linears, LinearStatistics statistics, float[] magnitudes, int mostRows) {
        this.magnitudes = magnitudes;
        this.squares = statistics.inputSquares(linears.getFirst());
        linears.forEach(linear -> weights.add(statistics.weightRows(linear, mostRows)));
    }

    /** @param scales what inputs are divided by and columns multiplied with */
    double of(float[] scales) {
        int columns = scales.length;
        double largest = 0;
        double signal = 0;
        double[] scaledSquares = new double[columns];
        for (int column = 0; column < columns; column++) {
            largest = Math.max(largest, magnitudes[column] / scales[column]);
            scaledSquares[column] = squares[column] / scales[column] / scales[column];
            signal += scaledSquares[column];
        }
        double inputNoise = largest / STEPS * (largest / STEPS) * VARIANCE;
        double noise = 0;
        for (float[] weight : weights) {
            for (int from = 0; from < weight.length; from += columns) {
                double rowLargest = 0;
                for (int column = 0; column < columns; column++) {
                    double number = weight[from + column] * (double) scales[column];
                    rowLargest = Math.max(rowLargest, Math.abs(number));
                    noise += number * number * Math.min(inputNoise, scaledSquares[column]);
                }
                noise += rowLargest / STEPS * (rowLargest / STEPS) * VARIANCE * signal;
            }
        }
        return noise;
    }
}
