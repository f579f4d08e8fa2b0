package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.FiniteNumbers;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;
import java.util.OptionalLong;

/** Tells what a backend found that it cannot quantize, looking at the numbers once more. */
final class NotFinite {

    private NotFinite() {}

    /**
     * What is wrong with rows of a weight: a number that is none, or one so large that its scale is none.
     *
     * @param from the first row
     * @param to the last one, exclusive
     */
    static QuantizationException in(Quantize action, long from, long to) {
        TensorInfo weight = action.source().info();
        float[] numbers = new float[Math.toIntExact(action.inFeatures())];
        long rowBytes = action.inFeatures() * weight.dtype().bytes();
        double largest = 0;
        long at = from;
        for (long row = from; row < to; row++) {
            OptionalLong element = first(action.source(), row * rowBytes, rowBytes);
            if (element.isPresent()) {
                return new QuantizationException(
                        ErrorCode.TENSOR_NOT_FINITE,
                        "tensor " + weight.name() + " holds NaN or infinity at element " + element.getAsLong());
            }
            action.source().floats(row * rowBytes, numbers, 0, numbers.length);
            double reach = reach(numbers, action.scheme().weights().symmetric());
            if (reach > largest) {
                largest = reach;
                at = row;
            }
        }
        double scale = largest / action.scheme().weights().type().divisor();
        return StoredScales.lost(action.module(), at, scale, StoredScales.type(action));
    }

    private static OptionalLong first(Numbers numbers, long from, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            return FiniteNumbers.first(numbers.info(), from, numbers.view(from, from + bytes, arena));
        }
    }

    /** What divides into a scale: the largest magnitude, or half of what lies between the ends. */
    private static double reach(float[] numbers, boolean symmetric) {
        double least = 0;
        double most = 0;
        for (float number : numbers) {
            least = Math.min(least, number);
            most = Math.max(most, number);
        }
        return symmetric ? Math.max(-least, most) : (most - least) / 2;
    }
}
