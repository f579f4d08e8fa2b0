package io.octavo.engine.quantize;

import io.octavo.engine.VerificationReport.ModuleError;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.BFloat16;
import io.octavo.kernels.DType;
import io.octavo.kernels.Float8;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The error of one module's stored codes and scales against its source weight, in f64.
 *
 * <p>Rows are visited in order by one thread, so the sums do not depend on how many modules are compared at once.
 */
final class WeightComparison {

    /** Source bytes mapped at once. */
    private static final long WINDOW_BYTES = 1 << 24;

    /** Elements compared at once: small enough for the first-level cache. */
    private static final int BLOCK = 2048;

    /** Errors below the resolution of f64 are reported as this many decibels. */
    private static final double MAX_DECIBELS = 300;

    private static final double[] E4M3_VALUES = new double[256];

    static {
        for (int code = 0; code < E4M3_VALUES.length; code++) {
            E4M3_VALUES[code] = Float8.fromE4m3((byte) code);
        }
    }

    private final Quantize step;
    private final StoredTensor codes;
    private final StoredTensor scales;
    private final float[] source = new float[BLOCK];
    private final short[] sourceBits = new short[BLOCK];
    private final byte[] codeBlock = new byte[BLOCK];
    private final double[] rowValues = new double[E4M3_VALUES.length];
    private double squaredError;
    private double squaredWeight;

    private WeightComparison(Quantize step, StoredTensor codes, StoredTensor scales) {
        this.step = step;
        this.codes = codes;
        this.scales = scales;
    }

    /** @return an error of NaN if a code is NaN */
    static ModuleError compare(Quantize step, StoredTensor codes, StoredTensor scales) {
        var comparison = new WeightComparison(step, codes, scales);
        comparison.run();
        return comparison.result();
    }

    private ModuleError result() {
        double relativeError = squaredError == 0 ? 0 : Math.sqrt(squaredError / squaredWeight);
        double decibels = relativeError == 0 ? MAX_DECIBELS : Math.min(-20 * Math.log10(relativeError), MAX_DECIBELS);
        return new ModuleError(step.module(), relativeError, decibels);
    }

    private void run() {
        TensorInfo weight = step.source().info();
        long columns = step.inFeatures();
        long rowBytes = columns * weight.dtype().bytes();
        long windowRows = Math.max(1, WINDOW_BYTES / rowBytes);
        for (long from = 0; from < step.outFeatures(); from += windowRows) {
            long to = Math.min(from + windowRows, step.outFeatures());
            try (Arena window = Arena.ofConfined()) {
                compareRows(
                        step.source().shard().map(weight, from * rowBytes, to * rowBytes, window),
                        codes.shard().map(codes.info(), from * columns, to * columns, window),
                        scales.shard().segment(scales.info()),
                        from,
                        to);
            }
        }
    }

    private void compareRows(MemorySegment weights, MemorySegment stored, MemorySegment scale, long from, long to) {
        long columns = step.inFeatures();
        for (long row = from; row < to; row++) {
            double rowScale = scaleAt(scale, row);
            for (int code = 0; code < rowValues.length; code++) {
                rowValues[code] = E4M3_VALUES[code] * rowScale;
            }
            for (long column = 0; column < columns; column += BLOCK) {
                int count = (int) Math.min(BLOCK, columns - column);
                long element = (row - from) * columns + column;
                load(weights, element, count);
                MemorySegment.copy(stored, ValueLayout.JAVA_BYTE, element, codeBlock, 0, count);
                accumulate(count);
            }
        }
    }

    private double scaleAt(MemorySegment scale, long row) {
        return switch (scales.info().dtype()) {
            case F32 -> scale.get(ValueLayout.JAVA_FLOAT_UNALIGNED, row * Float.BYTES);
            case F16 -> Float.float16ToFloat(scale.get(ValueLayout.JAVA_SHORT_UNALIGNED, row * Short.BYTES));
            default -> BFloat16.toFloat(scale.get(ValueLayout.JAVA_SHORT_UNALIGNED, row * Short.BYTES));
        };
    }

    private void load(MemorySegment weights, long element, int count) {
        DType dtype = step.source().info().dtype();
        if (dtype == DType.F32) {
            MemorySegment.copy(weights, ValueLayout.JAVA_FLOAT_UNALIGNED, element * Float.BYTES, source, 0, count);
            return;
        }
        MemorySegment.copy(weights, ValueLayout.JAVA_SHORT_UNALIGNED, element * Short.BYTES, sourceBits, 0, count);
        if (dtype == DType.F16) {
            for (int i = 0; i < count; i++) {
                source[i] = Float.float16ToFloat(sourceBits[i]);
            }
        } else {
            for (int i = 0; i < count; i++) {
                source[i] = Float.intBitsToFloat(sourceBits[i] << 16);
            }
        }
    }

    /** Four sums of each kind, so that additions need not wait for each other. */
    private void accumulate(int count) {
        double error0 = 0;
        double error1 = 0;
        double error2 = 0;
        double error3 = 0;
        double weight0 = 0;
        double weight1 = 0;
        double weight2 = 0;
        double weight3 = 0;
        int i = 0;
        for (; i + 3 < count; i += 4) {
            double w0 = source[i];
            double w1 = source[i + 1];
            double w2 = source[i + 2];
            double w3 = source[i + 3];
            double d0 = rowValues[codeBlock[i] & 0xFF] - w0;
            double d1 = rowValues[codeBlock[i + 1] & 0xFF] - w1;
            double d2 = rowValues[codeBlock[i + 2] & 0xFF] - w2;
            double d3 = rowValues[codeBlock[i + 3] & 0xFF] - w3;
            error0 += d0 * d0;
            error1 += d1 * d1;
            error2 += d2 * d2;
            error3 += d3 * d3;
            weight0 += w0 * w0;
            weight1 += w1 * w1;
            weight2 += w2 * w2;
            weight3 += w3 * w3;
        }
        for (; i < count; i++) {
            double w = source[i];
            double d = rowValues[codeBlock[i] & 0xFF] - w;
            error0 += d * d;
            weight0 += w * w;
        }
        squaredError += (error0 + error1) + (error2 + error3);
        squaredWeight += (weight0 + weight1) + (weight2 + weight3);
    }
}
