package io.octavo.engine.quantize;

import io.octavo.engine.VerificationReport.ModuleError;
import io.octavo.engine.layout.QuantizedWeight;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.NumberType;
import io.octavo.kernels.DType;
import io.octavo.kernels.Float4;
import io.octavo.kernels.Float8;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * The error of one module's stored codes and scales against its source weight, in f64.
 *
 * <p>Rows are visited in order by one thread, so the sums do not depend on how many modules are compared at once.
 */
final class WeightComparison {

    /**
     * Rounding to E4M3 moves a normal number by at most 2^-4 of itself and a subnormal one by at most 2^-10 of the
     * scale; rounding the scale to bf16 can clip the largest number by 2^-8 of itself.
     */
    private static final double MAX_RELATIVE_ERROR_E4M3 = 0.07;

    /**
     * In units of the scale. Integers are half a step off, and at the ends of the range, where a rounded scale or zero
     * point cuts numbers off, less than another half.
     */
    private static final double MAX_STEPS_INTEGER = 1.05;

    /** Half of the widest step is 1; an E4M3 scale near its smallest number cuts off up to 2 more. */
    private static final double MAX_STEPS_E2M1 = 3.05;

    /** Errors below the resolution of f64 are reported as this many decibels. */
    private static final double MAX_DECIBELS = 300;

    /** Source bytes mapped at once. */
    private static final long WINDOW_BYTES = 1 << 22;

    private final Quantize step;
    private final QuantizedWeight stored;
    private final int columns;
    private final int groups;
    private final int groupColumns;
    private final double[] numbers;
    private final float[] source;
    private final boolean countsSteps;
    private double squaredError;
    private double squaredWeight;
    private double mostSteps;

    /** @param failure what rounding alone cannot have done; empty if all is well */
    record Result(ModuleError error, Optional<String> failure) {}

    private WeightComparison(Quantize step, QuantizedWeight stored) {
        this.step = step;
        this.stored = stored;
        this.columns = Math.toIntExact(step.inFeatures());
        this.groups = stored.groups();
        this.groupColumns = Math.toIntExact(Math.min(step.layout().tile().columns(), columns));
        this.numbers = numbers(step.scheme().weights().type());
        this.source = new float[columns];
        this.countsSteps = step.scheme().weights().type() != NumberType.FloatType.E4M3;
    }

    static Result compare(Quantize step, QuantizedWeight stored) {
        var comparison = new WeightComparison(step, stored);
        comparison.run();
        return comparison.result();
    }

    /** What each byte stands for. */
    private static double[] numbers(NumberType type) {
        double[] numbers = new double[256];
        for (int code = 0; code < numbers.length; code++) {
            numbers[code] = switch (type) {
                case NumberType.IntType integers -> (byte) code;
                case NumberType.FloatType floats ->
                    switch (floats) {
                        case E4M3 -> Float8.fromE4m3((byte) code);
                        case E2M1 -> Float4.fromE2m1(code);
                    };
            };
        }
        return numbers;
    }

    private Result result() {
        double relativeError = squaredError == 0 ? 0 : Math.sqrt(squaredError / squaredWeight);
        double decibels = relativeError == 0 ? MAX_DECIBELS : Math.min(-20 * Math.log10(relativeError), MAX_DECIBELS);
        return new Result(new ModuleError(step.module(), relativeError, decibels), failure(relativeError));
    }

    /** Written so that NaN fails. */
    private Optional<String> failure(double relativeError) {
        NumberType type = step.scheme().weights().type();
        if (type == NumberType.FloatType.E4M3) {
            return relativeError <= MAX_RELATIVE_ERROR_E4M3
                    ? Optional.empty()
                    : Optional.of("module " + step.module() + ": relative error " + relativeError + "; at most "
                            + MAX_RELATIVE_ERROR_E4M3 + " is possible by rounding");
        }
        double allowed = type == NumberType.FloatType.E2M1 ? MAX_STEPS_E2M1 : MAX_STEPS_INTEGER;
        return mostSteps <= allowed
                ? Optional.empty()
                : Optional.of("module " + step.module() + ": a number is " + mostSteps + " scales off; at most "
                        + allowed + " is possible by rounding");
    }

    private void run() {
        TensorInfo weight = step.source().info();
        long rowBytes = (long) columns * weight.dtype().bytes();
        long windowRows = Math.max(1, WINDOW_BYTES / rowBytes);
        for (long from = 0; from < step.outFeatures(); from += windowRows) {
            long to = Math.min(from + windowRows, step.outFeatures());
            try (Arena window = Arena.ofConfined()) {
                compareRows(step.source().shard().map(weight, from * rowBytes, to * rowBytes, window), from, to);
            }
        }
    }

    private void compareRows(MemorySegment weights, long from, long to) {
        int rows = Math.toIntExact(to - from);
        byte[] codes = new byte[rows * columns];
        float[] scales = new float[rows * groups];
        byte[] zeroPoints = new byte[rows * groups];
        stored.readCodes(from, to, codes);
        stored.readScales(from, to, scales);
        stored.readZeroPoints(from, to, zeroPoints);
        float global = stored.globalScale();
        for (int row = 0; row < rows; row++) {
            load(weights, (long) row * columns);
            for (int group = 0; group < groups; group++) {
                int at = group * groupColumns;
                int count = Math.min(groupColumns, columns - at);
                int index = row * groups + group;
                compareGroup(codes, row * columns + at, at, count, (double) scales[index] * global, zeroPoints[index]);
            }
        }
    }

    private void load(MemorySegment weights, long element) {
        DType dtype = step.source().info().dtype();
        switch (dtype) {
            case F32 ->
                MemorySegment.copy(
                        weights, ValueLayout.JAVA_FLOAT_UNALIGNED, element * Float.BYTES, source, 0, columns);
            case F16 -> {
                for (int i = 0; i < columns; i++) {
                    source[i] = Float.float16ToFloat(half(weights, element + i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < columns; i++) {
                    source[i] = Float.intBitsToFloat(half(weights, element + i) << 16);
                }
            }
            case F64, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8, BOOL ->
                throw new IllegalStateException("no weight is quantized from " + dtype);
        }
    }

    private static short half(MemorySegment weights, long element) {
        return weights.get(ValueLayout.JAVA_SHORT_UNALIGNED, element * Short.BYTES);
    }

    /** Four sums of each kind, so that additions need not wait for each other. */
    private void compareGroup(byte[] codes, int codeAt, int sourceAt, int count, double scale, int zeroPoint) {
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
            double w0 = source[sourceAt + i];
            double w1 = source[sourceAt + i + 1];
            double w2 = source[sourceAt + i + 2];
            double w3 = source[sourceAt + i + 3];
            double d0 = (numbers[codes[codeAt + i] & 0xFF] - zeroPoint) * scale - w0;
            double d1 = (numbers[codes[codeAt + i + 1] & 0xFF] - zeroPoint) * scale - w1;
            double d2 = (numbers[codes[codeAt + i + 2] & 0xFF] - zeroPoint) * scale - w2;
            double d3 = (numbers[codes[codeAt + i + 3] & 0xFF] - zeroPoint) * scale - w3;
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
            double w = source[sourceAt + i];
            double d = (numbers[codes[codeAt + i] & 0xFF] - zeroPoint) * scale - w;
            error0 += d * d;
            weight0 += w * w;
        }
        squaredError += (error0 + error1) + (error2 + error3);
        squaredWeight += (weight0 + weight1) + (weight2 + weight3);
        if (countsSteps) {
            mostSteps = Math.max(mostSteps, mostSteps(codes, codeAt, sourceAt, count, scale, zeroPoint));
        }
    }

    private double mostSteps(byte[] codes, int codeAt, int sourceAt, int count, double scale, int zeroPoint) {
        double most = 0;
        for (int i = 0; i < count; i++) {
            double number = (numbers[codes[codeAt + i] & 0xFF] - zeroPoint) * scale;
            most = Math.max(most, Math.abs(number - source[sourceAt + i]));
        }
        return most / scale;
    }
}
