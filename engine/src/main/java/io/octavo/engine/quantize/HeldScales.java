package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.FloatRun;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.loader.ScaleTypes;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Whether the type of scales holds those of small weights: in a smaller one bits are lost, and at last the whole module.
 * Looks at every weight before the work where F16 holds them, which is too small for weights that are met, or where the work
 * is long; elsewhere verification finds the same.
 */
final class HeldScales {

    private static final long WINDOW_BYTES = 1 << 22;

    private HeldScales() {}

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} with the first module whose scales are lost */
    static void require(QuantizationPlan plan) {
        boolean half = ScaleTypes.holdsHalfAlone(plan.schemes().layout());
        boolean each = half || plan.schemes().needsCalibration();
        plan.quantized().stream()
                .filter(action -> each || action.layout().scaleType() == DType.F16)
                .filter(action -> action.layout().tile().rows() == 1
                        && action.scheme().weights().scaleType() != ScaleType.E4M3)
                .parallel()
                .map(action -> failure(action, half))
                .flatMap(Optional::stream)
                .findFirst()
                .ifPresent(failure -> {
                    throw failure;
                });
    }

    private static Optional<QuantizationException> failure(Quantize action, boolean half) {
        long columns = action.inFeatures();
        long rowBytes = columns * action.source().info().dtype().bytes();
        long windowRows = Math.max(WINDOW_BYTES / rowBytes, 1);
        var row = new Row(
                action,
                new RoundingBounds(action.scheme().weights(), action.layout().scaleType(), action.floats()),
                half,
                new float[Math.toIntExact(columns)]);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment window = arena.allocate(Math.min(windowRows, action.outFeatures()) * rowBytes, Long.BYTES);
            for (long from = 0; from < action.outFeatures(); from += windowRows) {
                long rows = Math.min(windowRows, action.outFeatures() - from);
                MemorySegment numbers = window.asSlice(0, rows * rowBytes);
                action.source().read(from * rowBytes, numbers);
                for (long i = 0; i < rows; i++) {
                    double lost = row.lostScale(numbers.asSlice(i * rowBytes, rowBytes));
                    if (lost > 0) {
                        String type = half ? DType.F16.name() : StoredScales.type(action);
                        return Optional.of(StoredScales.lost(action.module(), from + i, lost, type));
                    }
                }
            }
        }
        return Optional.empty();
    }

    /**
     * One after the other.
     *
     * @param bounds of the module
     * @param half whether scales are stored in F16 in the end, whatever they are rounded to before
     * @param values of the row that is looked at
     */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Row(Quantize action, RoundingBounds bounds, boolean half, float[] values) {

        /** The first scale that is lost; 0 for none. */
        double lostScale(MemorySegment numbers) {
            int columns = values.length;
            FloatRun.read(numbers, action.source().info().dtype(), 0, values, 0, columns);
            float absmax = FloatRun.absmax(values);
            int size = Math.toIntExact(action.layout().tile().columns());
            for (int group = 0; group < columns && (half || bounds.mayLose(absmax)); group += size) {
                float below = 0;
                float above = 0;
                for (int i = group; i < Math.min(group + size, columns); i++) {
                    float number = values[i];
                    below = Math.max(below, -number);
                    above = Math.max(above, number);
                }
                double exact = bounds.exactScale(1, below, above);
                if (bounds.lostScale(below, above, absmax) > 0 || (half && !fitsHalf(exact))) {
                    return exact;
                }
            }
            return 0;
        }

        /** What is converted is stored exactly, so that a scale must be one of F16 already. */
        private boolean fitsHalf(double exact) {
            float stored = StoredScales.rounded((float) exact, action.layout().scaleType());
            return !Double.isFinite(exact) || StoredScales.rounded(stored, DType.F16) == stored;
        }
    }
}
