package io.octavo.engine.modify;

/**
 * Moves outliers of activations into weights (arXiv 2211.10438): what enters a Linear is divided, channel by channel, by a
 * scale that its weight is multiplied with.
 *
 * @param alpha how much of the difficulty moves from activations to weights, 0 to 1
 */
public record SmoothQuant(double alpha) implements Modifier {

    /** As the paper takes it for models without extreme outliers. */
    public static final double DEFAULT_ALPHA = 0.5;

    public SmoothQuant {
        if (!(alpha >= 0 && alpha <= 1)) {
            throw new IllegalArgumentException("alpha must be between 0 and 1: " + alpha);
        }
    }

    @Override
    public String name() {
        return "smoothquant";
    }
}
