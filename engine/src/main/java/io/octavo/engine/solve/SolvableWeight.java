package io.octavo.engine.solve;

import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A weight whose codes are to be solved.
 *
 * @param quantization of its numbers
 * @param codes how they lie in a row that is stored
 * @param dtype of the source weight, in which floating scales are stored
 * @param sharing all modules, this one among them, that must have one scale for their whole weights; empty where that has no
 *     meaning
 */
public record SolvableWeight(
        String module,
        Quantization quantization,
        CodeFormat codes,
        DType dtype,
        int outFeatures,
        int inFeatures,
        List<String> sharing,
        Rows rows) {

    private static final long READ_NUMBERS = 1 << 24;

    /** Gives a weight's numbers. */
    @FunctionalInterface
    public interface Rows {

        /** Reads the rows {@code [from, to)} in f32, row-major. */
        float[] read(int from, int to);

        /** The same as they are stored, in the weight's type, if that is at hand; alive as long as the arena. */
        default Optional<MemorySegment> stored(int from, int to, Arena arena) {
            return Optional.empty();
        }
    }

    public SolvableWeight {
        sharing = List.copyOf(sharing);
    }

    /** @param absmax the largest magnitude of the weight and of all that share its scale; 0 where that is not known yet */
    WeightFormat format(float absmax) {
        return new WeightFormat(quantization, dtype, inFeatures, absmax);
    }

    /** Of all of its codes as they are stored. */
    public long codeBytes() {
        return outFeatures * codes.rowBytes(inFeatures);
    }

    /** The largest magnitude of the weight. */
    public float absmax() {
        int step = Math.clamp(READ_NUMBERS / inFeatures, 1, Math.max(outFeatures, 1));
        float absmax = 0;
        for (int from = 0; from < outFeatures; from += step) {
            for (float number : rows.read(from, Math.min(from + step, outFeatures))) {
                absmax = Math.max(absmax, Math.abs(number));
            }
        }
        return absmax;
    }
}
