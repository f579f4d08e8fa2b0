package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizationError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The error of stored codes and scales against the source weight, computed by the backend in f64 from what the reader of the
 * layout gives; one module at a time.
 *
 * <p>The rows' sums are added in order by one thread, so they do not depend on how many modules are compared at once.
 */
final class WeightComparison implements AutoCloseable {

    /** Errors below the resolution of f64 are reported as this many decibels. */
    private static final double MAX_DECIBELS = 300;

    /** Source bytes compared at once. */
    private static final long WINDOW_BYTES = 1 << 22;

    private final Backend backend;
    private final Stream stream;
    private final Deque<Runnable> releases = new ArrayDeque<>();
    private final StagedBuffer source;
    private final StagedBuffer codes;
    private final StagedBuffer codebook;
    private final StagedBuffer scales;
    private final StagedBuffer zeroPoints;
    private final StagedBuffer errors;
    private final StagedBuffer reach;

    /**
     * @param failure what the action's bounds do not allow; empty if all is well
     * @param note what they allow and people should know
     * @param absmax of the source weight
     */
    record Result(ModuleError error, Optional<String> failure, Optional<String> note, float absmax) {

        /** Asked only if nothing failed before. */
        Result orFailure(Supplier<Optional<String>> other) {
            return new Result(error, failure.or(other), note, absmax);
        }
    }

    /**
     * @param plan all modules that will be compared
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    WeightComparison(Backend backend, QuantizationPlan plan) {
        this.backend = backend;
        Sizes sizes = Sizes.of(plan);
        this.stream = backend.newStream();
        try {
            this.source = StagedBuffer.allocate(backend, sizes.source, releases);
            this.codes = StagedBuffer.allocate(backend, sizes.codes, releases);
            this.codebook = StagedBuffer.allocate(backend, Sizes.CODEBOOK, releases);
            this.scales = StagedBuffer.allocate(backend, sizes.scales(), releases);
            this.zeroPoints = StagedBuffer.allocate(backend, sizes.groups, releases);
            this.errors = StagedBuffer.allocate(backend, sizes.errors(), releases);
            this.reach = StagedBuffer.allocate(backend, 2 * sizes.scales(), releases);
        } catch (IllegalStateException | OutOfMemoryError e) {
            close();
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY, "no memory to compare what was written: " + e.getMessage(), e);
        }
    }

    /** Of the buffers that every module of a plan fits; those of codes hold a byte a number. */
    private record Sizes(long source, long codes, long rows, long groups) {

        static final long CODEBOOK = (long) QuantizationError.CODEBOOK_ROWS * QuantizationError.CODES * Float.BYTES;

        static Sizes of(QuantizationPlan plan) {
            var sizes = new Sizes(0, 0, 0, 0);
            for (Quantize action : plan.quantized()) {
                long windowRows = windowRows(action);
                sizes = new Sizes(
                        Math.max(sizes.source, windowRows * rowBytes(action)),
                        Math.max(sizes.codes, windowRows * action.inFeatures()),
                        Math.max(sizes.rows, windowRows),
                        Math.max(sizes.groups, windowRows * action.layout().scaleColumns()));
            }
            return sizes;
        }

        long scales() {
            return groups * Float.BYTES;
        }

        long errors() {
            return rows * QuantizationError.COLUMNS * Double.BYTES;
        }
    }

    /** Of the backend, that one comparison takes. */
    static long bytes(QuantizationPlan plan) {
        Sizes sizes = Sizes.of(plan);
        return sizes.source + sizes.codes + Sizes.CODEBOOK + 3 * sizes.scales() + sizes.groups + sizes.errors();
    }

    private static long windowRows(Quantize action) {
        return Math.clamp(WINDOW_BYTES / rowBytes(action), 1, action.outFeatures());
    }

    private static long rowBytes(Quantize action) {
        return action.inFeatures() * action.source().info().dtype().bytes();
    }

    Result compare(Quantize action, QuantizedWeight stored) {
        long windowRows = windowRows(action);
        byte[] window =
                new byte[stored.plainCodes().isPresent() ? 0 : Math.toIntExact(windowRows * action.inFeatures())];
        WeightBounds bounds = action.bounds();
        put(bounds.codebook(), codebook);
        var rows = new RowBounds(action, bounds, stored);
        double squaredError = 0;
        double squaredWeight = 0;
        for (long from = 0; from < action.outFeatures(); from += windowRows) {
            long to = Math.min(from + windowRows, action.outFeatures());
            float[] rowScales = new float[Math.toIntExact((to - from) * stored.groups())];
            stored.readScales(from, to, rowScales);
            byte[] zeros = new byte[action.scheme().weights().symmetric() ? 0 : rowScales.length];
            if (zeros.length > 0) {
                stored.readZeroPoints(from, to, zeros);
            }
            double[] measured = measure(action, stored, from, to, window, rowScales, zeros);
            for (int row = 0; row < measured.length; row += QuantizationError.COLUMNS) {
                squaredError += measured[row + QuantizationError.SQUARED_ERROR];
                squaredWeight += measured[row + QuantizationError.SQUARED_NUMBER];
            }
            rows.look(from, to, measured, reach.host(), rowScales, zeros);
        }
        double relativeError = squaredError == 0 ? 0 : Math.sqrt(squaredError / squaredWeight);
        double decibels = relativeError == 0 ? MAX_DECIBELS : Math.min(-20 * Math.log10(relativeError), MAX_DECIBELS);
        return new Result(
                new ModuleError(action.module(), relativeError, decibels), rows.failure(), rows.note(), rows.absmax());
    }

    private double[] measure(
            Quantize action,
            QuantizedWeight stored,
            long from,
            long to,
            byte[] window,
            float[] rowScales,
            byte[] rowZeroPoints) {
        long rows = to - from;
        int groups = stored.groups();
        source.load(action.source(), from * rowBytes(action), rows * rowBytes(action), stream);
        putCodes(stored, from, to, window);
        put(rowScales, scales);
        boolean shifted = rowZeroPoints.length > 0;
        if (shifted) {
            put(rowZeroPoints, rowZeroPoints.length, zeroPoints);
        }
        backend.operations()
                .quantizationError()
                .measure(
                        new QuantizationError.Arguments(
                                Matrix.of(
                                        source.device(), action.source().info().dtype(), rows, action.inFeatures()),
                                Matrix.of(codes.device(), DType.U8, rows, action.inFeatures()),
                                Matrix.of(
                                        codebook.device(),
                                        DType.F32,
                                        QuantizationError.CODEBOOK_ROWS,
                                        QuantizationError.CODES),
                                Matrix.of(scales.device(), DType.F32, rows, groups),
                                shifted ? Matrix.of(zeroPoints.device(), DType.I8, rows, groups) : null,
                                action.layout().tile().columns(),
                                stored.globalScale(),
                                Matrix.of(errors.device(), DType.F64, rows, QuantizationError.COLUMNS),
                                Matrix.of(reach.device(), DType.F32, rows, 2L * groups)),
                        stream);
        MemorySegment measured = errors.fetch(rows * QuantizationError.COLUMNS * Double.BYTES, stream);
        reach.fetch(2 * rows * groups * Float.BYTES, stream);
        stream.synchronize();
        return measured.toArray(ValueLayout.JAVA_DOUBLE);
    }

    private void putCodes(QuantizedWeight stored, long from, long to, byte[] window) {
        long columns = stored.inFeatures();
        long count = (to - from) * columns;
        Optional<Tensor> plain = stored.plainCodes();
        if (plain.isPresent()) {
            codes.first(count).copyFrom(plain.get().segment().asSlice(from * columns, count));
            codes.send(count, stream);
        } else {
            stored.readCodes(from, to, window);
            put(window, count, codes);
        }
    }

    private void put(float[] values, StagedBuffer target) {
        MemorySegment.copy(values, 0, target.host(), ValueLayout.JAVA_FLOAT, 0, values.length);
        target.send((long) values.length * Float.BYTES, stream);
    }

    private void put(byte[] values, long count, StagedBuffer target) {
        MemorySegment.copy(values, 0, target.host(), ValueLayout.JAVA_BYTE, 0, Math.toIntExact(count));
        target.send(count, stream);
    }

    /** What the stream still does with the buffers comes first. */
    @Override
    public void close() {
        stream.close();
        while (!releases.isEmpty()) {
            releases.pop().run();
        }
    }
}
