package io.octavo.engine.convert;

import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import java.util.Arrays;
import java.util.Optional;

/** Whether two checkpoints hold the same numbers, whatever their layouts. */
final class NumberComparison {

    private static final long CHUNK_CODES = 4 << 20;

    private NumberComparison() {}

    /** What differs first between a module of two checkpoints; empty where nothing does. */
    static Optional<String> difference(QuantizedLinear source, QuantizedLinear copy) {
        if (!source.inputs().equals(copy.inputs()) || !source.inputScale().equals(copy.inputScale())) {
            return differs(source, "how its inputs are rounded");
        }
        QuantizedWeight expected = source.weight();
        QuantizedWeight actual = copy.weight();
        boolean alike = expected.outFeatures() == actual.outFeatures()
                && expected.inFeatures() == actual.inFeatures()
                && expected.groups() == actual.groups()
                && expected.quantization().type().equals(actual.quantization().type())
                && expected.quantization()
                        .granularity()
                        .equals(actual.quantization().granularity());
        if (!alike) {
            return differs(source, "shape, number type or groups");
        }
        if (!Arrays.equals(
                expected.groupIndex().orElse(new int[0]), actual.groupIndex().orElse(new int[0]))) {
            return differs(source, "the order of its groups");
        }
        return compareRows(source, expected, actual);
    }

    private static Optional<String> compareRows(
            QuantizedLinear source, QuantizedWeight expected, QuantizedWeight actual) {
        long rows =
                Math.clamp(CHUNK_CODES / Math.max(expected.inFeatures(), 1), 1, Math.max(expected.outFeatures(), 1));
        int codes = Math.toIntExact(rows * expected.inFeatures());
        int scales = Math.toIntExact(rows * expected.groups());
        byte[] expectedBytes = new byte[Math.max(codes, scales)];
        byte[] actualBytes = new byte[Math.max(codes, scales)];
        float[] expectedScales = new float[scales];
        float[] actualScales = new float[scales];
        for (long from = 0; from < expected.outFeatures(); from += rows) {
            long to = Math.min(from + rows, expected.outFeatures());
            expected.readCodes(from, to, expectedBytes);
            actual.readCodes(from, to, actualBytes);
            int codeCount = Math.toIntExact((to - from) * expected.inFeatures());
            if (!Arrays.equals(expectedBytes, 0, codeCount, actualBytes, 0, codeCount)) {
                return differs(source, "codes in rows " + from + " to " + (to - 1));
            }
            expected.readZeroPoints(from, to, expectedBytes);
            actual.readZeroPoints(from, to, actualBytes);
            int scaleCount = Math.toIntExact((to - from) * expected.groups());
            if (!Arrays.equals(expectedBytes, 0, scaleCount, actualBytes, 0, scaleCount)) {
                return differs(source, "zero points in rows " + from + " to " + (to - 1));
            }
            expected.readScales(from, to, expectedScales);
            actual.readScales(from, to, actualScales);
            boolean equal = expected.globalScale() == actual.globalScale()
                    && Arrays.equals(expectedScales, 0, scaleCount, actualScales, 0, scaleCount);
            if (!equal) {
                return differs(source, "scales in rows " + from + " to " + (to - 1));
            }
        }
        return Optional.empty();
    }

    /** What differs between two checkpoints' KV cache scales. */
    static Optional<String> kvCacheDifference(QuantizedModules source, QuantizedModules copy) {
        boolean equal = source.kvCache()
                .map(KvCacheScales::byLayer)
                .equals(copy.kvCache().map(KvCacheScales::byLayer));
        return equal ? Optional.empty() : Optional.of("scales of the KV cache differ from the source");
    }

    private static Optional<String> differs(QuantizedLinear linear, String what) {
        return Optional.of("module " + linear.module() + " differs from the source in " + what);
    }
}
