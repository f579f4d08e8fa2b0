package io.octavo.engine.request;

import java.nio.file.Path;

/**
 * Texts that a model is run on to learn which activations occur. Each is tokenized on its own, with BOS before it.
 *
 * @param dataset UTF-8 file, one text; or JSONL with a {@code text} member
 * @param samples at most so many texts
 * @param sequenceLength tokens that count of a text, BOS included; the rest is cut off
 * @param seed chooses texts where there are more than {@code samples}; 0 takes the first
 */
public record CalibrationData(Path dataset, int samples, int sequenceLength, long seed) {

    public CalibrationData {
        if (samples < 1 || sequenceLength < 1) {
            throw new IllegalArgumentException(
                    "samples and sequenceLength must be positive: " + samples + ", " + sequenceLength);
        }
    }
}
