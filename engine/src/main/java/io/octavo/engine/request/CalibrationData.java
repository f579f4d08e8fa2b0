package io.octavo.engine.request;

import java.nio.file.Path;

/**
 * Texts that a model is run on to learn which activations occur. Each is tokenized on its own, with BOS before it.
 *
 * @param dataset UTF-8 file, one text; or JSONL with a {@code text} member
 */
public record CalibrationData(Path dataset, CalibrationShape shape) {

    public CalibrationData(Path dataset, int samples, int sequenceLength, long seed) {
        this(dataset, new CalibrationShape(samples, sequenceLength, seed));
    }

    public int samples() {
        return shape.samples();
    }

    public int sequenceLength() {
        return shape.sequenceLength();
    }

    public long seed() {
        return shape.seed();
    }
}
