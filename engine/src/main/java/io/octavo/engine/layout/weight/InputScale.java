package io.octavo.engine.layout.weight;

/**
 * Stored numbers that a Linear's inputs are rounded with.
 *
 * @param scale {@code x = (code - zeroPoint) * scale}; for groups with a global scale, what the groups' scales are
 *     multiplied by
 * @param zeroPoint in the codes' numbering; 0 for symmetric inputs
 */
public record InputScale(float scale, int zeroPoint) {

    public InputScale {
        if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("scale must be positive and finite: " + scale);
        }
    }

    public static InputScale symmetric(float scale) {
        return new InputScale(scale, 0);
    }
}
