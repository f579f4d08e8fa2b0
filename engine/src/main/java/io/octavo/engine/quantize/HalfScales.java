package io.octavo.engine.quantize;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.loader.ScaleTypes;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Whether F16 can hold the scales of small weights, where a format or layout stores no others: in a smaller one bits are
 * lost, and at last the whole module. Looks at every such weight before the work.
 */
final class HalfScales {

    private static final long WINDOW_BYTES = 1 << 22;

    /** How far rounding moves a scale in BF16, twice. */
    private static final double MOST_ERROR = 0x1p-8;

    private HalfScales() {}

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} with the first module whose scales F16 cannot hold */
    static void require(QuantizationPlan plan) {
        boolean converted = ScaleTypes.holdsHalfAlone(plan.schemes().layout());
        plan.quantized().stream()
                .filter(action -> action.layout().scaleType() == DType.F16 || converted)
                .filter(action -> !action.layout().hasGlobalScale())
                .parallel()
                .map(HalfScales::failure)
                .flatMap(Optional::stream)
                .findFirst()
                .ifPresent(failure -> {
                    throw failure;
                });
    }

    private static Optional<QuantizationException> failure(Quantize action) {
        try {
            require(action);
            return Optional.empty();
        } catch (QuantizationException e) {
            return Optional.of(e);
        }
    }

    private static void require(Quantize action) {
        long columns = action.inFeatures();
        long rowBytes = columns * action.source().info().dtype().bytes();
        long windowRows = Math.max(WINDOW_BYTES / rowBytes, 1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment window = arena.allocate(Math.min(windowRows, action.outFeatures()) * rowBytes, Long.BYTES);
            for (long from = 0; from < action.outFeatures(); from += windowRows) {
                long rows = Math.min(windowRows, action.outFeatures() - from);
                MemorySegment numbers = window.asSlice(0, rows * rowBytes);
                action.source().read(from * rowBytes, numbers);
                for (long row = 0; row < rows; row++) {
                    requireRow(action, from + row, numbers, row * columns);
                }
            }
        }
    }

    private static void requireRow(Quantize action, long row, MemorySegment numbers, long first) {
        long size = action.layout().tile().columns();
        DType dtype = action.source().info().dtype();
        for (long group = 0; group < action.inFeatures(); group += size) {
            float lowest = 0;
            float highest = 0;
            for (long i = first + group; i < first + Math.min(group + size, action.inFeatures()); i++) {
                float number = number(numbers, dtype, i);
                lowest = Math.min(lowest, number);
                highest = Math.max(highest, number);
            }
            double reach =
                    action.scheme().weights().symmetric() ? 2 * Math.max(highest, -lowest) : (double) highest - lowest;
            requireScale(
                    action, row, reach / (2 * action.scheme().weights().type().divisor()));
        }
    }

    private static void requireScale(Quantize action, long row, double scale) {
        float stored = StoredScales.rounded((float) scale, action.layout().scaleType());
        float half = StoredScales.rounded(stored, DType.F16);
        boolean kept = action.layout().scaleType() == DType.F16 || half == stored;
        // A scale that is not finite is told by the numbers that lead to it.
        if (scale > 0 && Double.isFinite(scale) && (!kept || Math.abs(half - scale) > scale * MOST_ERROR)) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "module " + action.module() + ", row " + row + ": numbers so small lead to a scale of "
                            + (float) scale
                            + ", which F16 does not hold, in which it would be stored; ignore the module, or choose a"
                            + " scheme whose scales are F32, such as W8A8 or FP8_DYNAMIC");
        }
    }

    private static float number(MemorySegment numbers, DType dtype, long i) {
        return switch (dtype) {
            case F16 -> Float.float16ToFloat(numbers.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i));
            case BF16 -> BFloat16.toFloat(numbers.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i));
            case F32 -> numbers.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i);
            default -> throw new IllegalStateException("no weights of " + dtype);
        };
    }
}
