package io.octavo.engine.solve.scale;

import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.ScaleFormat;
import io.octavo.kernels.quantization.ScaleSearch.Reach;

/** How far a search goes from the scale of plain rounding. */
public final class Reaches {

    private Reaches() {}

    public static Reach of(WeightFormat format) {
        ScaleFormat scales = format.scaleFormat();
        return switch (scales) {
            // Down to 0.6 of plain rounding's scale and up to 1.7 of it: the largest number may become 4 instead of 6.
            case E4M3 -> new Reach(6, 6, 1, 1);
            case E8M0 -> new Reach(1, 1, 1, 1);
            case BF16, F16, F32 -> floating(scales, format.quantization());
        };
    }

    private static Reach floating(ScaleFormat scales, Quantization quantization) {
        int fraction = scales.perOctave() / 128;
        int finest = Math.max(fraction / 8, 1);
        // Floats round as well under any scale but for what they cut off, so theirs is sought in the octave above.
        if (quantization.type() == FloatType.E4M3) {
            return new Reach(12 * fraction, 128 * fraction, 4 * fraction, finest);
        }
        // Every place of the range's ends is tried for each, so there are fewer of them.
        return quantization.symmetric()
                ? new Reach(128 * fraction, 12 * fraction, 4 * fraction, finest)
                : new Reach(96 * fraction, 8 * fraction, 8 * fraction, finest);
    }
}
