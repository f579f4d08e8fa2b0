package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizationError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The error of stored codes and scales against the source weight, computed by the backend in f64 from what the reader of the
 * layout gives; one module at a time.
 *
 * <p>Rows of a large module take turns in two windows, of which one is read while the other is compared. One thread judges them
 * in their order, so that sums do not depend on how many modules are compared at once.
 */
final class WeightComparison implements AutoCloseable {

    private final List<Window> windows = new ArrayList<>();

    /** Of the last module, which most others are like. */
    private float[] codebook = {};

    private @Nullable WeightBounds codebookOf;

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
     * @param artifact where they are stored
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    WeightComparison(Backend backend, QuantizationPlan plan, Checkpoint artifact) {
        var sizes = Window.Sizes.of(plan);
        try {
            while (windows.size() < windows(plan)) {
                windows.add(new Window(backend, sizes, artifact));
            }
        } catch (IllegalStateException | OutOfMemoryError e) {
            close();
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY, "no memory to compare what was written: " + e.getMessage(), e);
        }
    }

    /** Of the backend, that one comparison takes. */
    static long bytes(QuantizationPlan plan) {
        var sizes = Window.Sizes.of(plan);
        return windows(plan) * (sizes.input() + sizes.output());
    }

    private static int windows(QuantizationPlan plan) {
        return plan.quantized().stream().anyMatch(action -> Window.rows(action) < action.outFeatures()) ? 2 : 1;
    }

    Result compare(Quantize action, QuantizedWeight stored) {
        WeightBounds bounds = action.bounds();
        var rows = new RowBounds(action, bounds, stored);
        if (!bounds.equals(codebookOf)) {
            codebook = bounds.codebook();
            codebookOf = bounds;
        }
        windows.forEach(window -> window.open(codebook));
        long windowRows = Window.rows(action);
        int turn = 0;
        for (long from = 0; from < action.outFeatures(); from += windowRows) {
            Window window = windows.get(turn++ % windows.size());
            window.judge(rows);
            window.begin(action, stored, from, Math.min(from + windowRows, action.outFeatures()));
        }
        for (int last = 0; last < windows.size(); last++) {
            windows.get(turn++ % windows.size()).judge(rows);
        }
        return new Result(rows.error(), rows.failure(), rows.note(), rows.absmax());
    }

    @Override
    public void close() {
        windows.forEach(Window::close);
    }

    /**
     * Some rows of a module beside their source, compared by the backend while the thread reads others into another window.
     *
     * <p>What a comparison reads lies in one buffer and goes to the device at once, and so does what it tells come back.
     */
    private static final class Window implements AutoCloseable {

        /** Source bytes compared at once. */
        private static final long SOURCE_BYTES = 1 << 21;

        private static final int CODEBOOK_FLOATS = QuantizationError.CODEBOOK_ROWS * QuantizationError.CODES;

        private final Backend backend;
        private final Checkpoint artifact;
        private final Stream stream;
        private final Deque<Runnable> releases = new ArrayDeque<>();
        private final StagedBuffer input;
        private final StagedBuffer output;

        /** What is being compared; no rows if nothing is. */
        private long from;

        private long to;
        private float[] scales = {};
        private byte[] zeroPoints = {};

        /**
         * Where everything lies in the two buffers.
         *
         * @param source byte of the input at which source rows begin, behind the codebook; the others likewise
         * @param reach byte of the output, behind the rows' errors
         */
        private record Places(
                long source, long codes, long scales, long zeroPoints, long input, long reach, long output) {

            private static final long ALIGNMENT = 256;

            static Places of(Quantize action, long rows) {
                long tiles = rows * action.layout().scaleColumns();
                long source = aligned((long) CODEBOOK_FLOATS * Float.BYTES);
                long codes = aligned(source + rows * rowBytes(action));
                long scales = aligned(codes + rows * action.inFeatures());
                long zeroPoints = scales + tiles * Float.BYTES;
                long reach = rows * QuantizationError.COLUMNS * Double.BYTES;
                return new Places(
                        source, codes, scales, zeroPoints, zeroPoints + tiles, reach, reach + 2 * tiles * Float.BYTES);
            }

            private static long aligned(long bytes) {
                return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
            }
        }

        /** Of the buffers that every module of a plan fits. */
        record Sizes(long input, long output) {

            static Sizes of(QuantizationPlan plan) {
                var sizes = new Sizes(0, 0);
                for (Quantize action : plan.quantized()) {
                    Places places = Places.of(action, rows(action));
                    sizes = new Sizes(Math.max(sizes.input, places.input), Math.max(sizes.output, places.output));
                }
                return sizes;
            }
        }

        /**
         * @param sizes that every module fits
         * @param artifact where the modules are stored
         * @throws IllegalStateException if there is too little memory
         */
        Window(Backend backend, Sizes sizes, Checkpoint artifact) {
            this.backend = backend;
            this.artifact = artifact;
            this.stream = backend.newStream();
            try {
                this.input = StagedBuffer.allocate(backend, sizes.input, releases);
                this.output = StagedBuffer.allocate(backend, sizes.output, releases);
            } catch (IllegalStateException | OutOfMemoryError e) {
                close();
                throw e;
            }
        }

        /** Rows of a module that are compared at once. */
        static long rows(Quantize action) {
            return Math.clamp(SOURCE_BYTES / rowBytes(action), 1, action.outFeatures());
        }

        private static long rowBytes(Quantize action) {
            return action.inFeatures() * action.source().info().dtype().bytes();
        }

        /** Before the first rows of a module; forgets what a failure left unjudged. */
        void open(float[] codebook) {
            from = to;
            MemorySegment.copy(codebook, 0, input.host(), ValueLayout.JAVA_FLOAT, 0, CODEBOOK_FLOATS);
        }

        /** Reads rows and has them compared; {@link #judge} waits for it, and comes before the next. */
        void begin(Quantize action, QuantizedWeight stored, long first, long end) {
            from = first;
            to = end;
            long rows = to - from;
            Places places = Places.of(action, rows);
            action.source().read(from * rowBytes(action), input.host().asSlice(places.source, rows * rowBytes(action)));
            readCodes(stored, input.host().asSlice(places.codes, rows * action.inFeatures()));
            scales = new float[Math.toIntExact(rows * stored.groups())];
            stored.readScales(from, to, scales);
            MemorySegment.copy(scales, 0, input.host(), ValueLayout.JAVA_FLOAT, places.scales, scales.length);
            zeroPoints = new byte[action.scheme().weights().symmetric() ? 0 : scales.length];
            if (zeroPoints.length > 0) {
                stored.readZeroPoints(from, to, zeroPoints);
                MemorySegment.copy(
                        zeroPoints, 0, input.host(), ValueLayout.JAVA_BYTE, places.zeroPoints, scales.length);
            }
            input.send(places.zeroPoints + zeroPoints.length, stream);
            measure(action, stored, places);
            output.fetch(places.output, stream);
        }

        private void measure(Quantize action, QuantizedWeight stored, Places places) {
            long rows = to - from;
            long columns = action.inFeatures();
            int groups = stored.groups();
            DeviceBuffer read = input.device();
            var arguments = new QuantizationError.Arguments(
                    new Matrix(read, places.source, action.source().info().dtype(), rows, columns),
                    new Matrix(read, places.codes, DType.U8, rows, columns),
                    Matrix.of(read, DType.F32, QuantizationError.CODEBOOK_ROWS, QuantizationError.CODES),
                    new Matrix(read, places.scales, DType.F32, rows, groups),
                    zeroPoints.length > 0 ? new Matrix(read, places.zeroPoints, DType.I8, rows, groups) : null,
                    action.layout().tile().columns(),
                    stored.globalScale(),
                    Matrix.of(output.device(), DType.F64, rows, QuantizationError.COLUMNS),
                    new Matrix(output.device(), places.reach, DType.F32, rows, 2L * groups));
            backend.operations().quantizationError().measure(arguments, stream);
        }

        /** Waits for what was begun, if anything was, and judges its rows. */
        void judge(RowBounds bounds) {
            if (from == to) {
                return;
            }
            stream.synchronize();
            long reach = (to - from) * QuantizationError.COLUMNS * Double.BYTES;
            double[] measured = output.first(reach).toArray(ValueLayout.JAVA_DOUBLE);
            float[] reached = output.host()
                    .asSlice(reach, 2L * scales.length * Float.BYTES)
                    .toArray(ValueLayout.JAVA_FLOAT);
            bounds.look(from, to, measured, reached, scales, zeroPoints);
            from = to;
        }

        private void readCodes(QuantizedWeight stored, MemorySegment target) {
            Optional<StoredTensor> plain = stored.plainCodes().map(Tensor::name).map(artifact.stored()::get);
            if (plain.isPresent()) {
                plain.get().shard().read(plain.get().info(), from * stored.inFeatures(), target);
            } else {
                byte[] codes = new byte[Math.toIntExact(target.byteSize())];
                stored.readCodes(from, to, codes);
                target.copyFrom(MemorySegment.ofArray(codes));
            }
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
}
