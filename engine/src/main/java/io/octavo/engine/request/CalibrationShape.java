package io.octavo.engine.request;

/**
 * How much of a dataset a model is run on; the dataset itself need not be here yet.
 *
 * @param samples at most so many texts
 * @param sequenceLength tokens that count of a text, BOS included; the rest is cut off
 * @param seed chooses texts where there are more than {@code samples}; 0 takes the first
 * @param observer how ranges of inputs follow from what they showed
 */
public record CalibrationShape(int samples, int sequenceLength, long seed, InputObserver observer) {

    public CalibrationShape {
        if (samples < 1 || sequenceLength < 1) {
            throw new IllegalArgumentException(
                    "samples and sequenceLength must be positive: " + samples + ", " + sequenceLength);
        }
    }

    /** All that inputs showed is their range. */
    public CalibrationShape(int samples, int sequenceLength, long seed) {
        this(samples, sequenceLength, seed, InputObserver.MINMAX);
    }

    public CalibrationShape withObserver(InputObserver other) {
        return new CalibrationShape(samples, sequenceLength, seed, other);
    }
}
