package io.octavo.engine.calibrate;

import io.octavo.engine.solve.InputMoments;
import io.octavo.engine.solve.InputMoments.Differences;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Sums of products of the channels of inputs, kept on the device: rounded to BF16 first, as models run in that. */
final class MomentsObserver implements ActivationObserver, AutoCloseable {

    private final Backend backend;
    private final Set<String> modules;
    private final Map<String, Moments> byModule = new HashMap<>();
    private @Nullable DeviceBuffer rounded;

    /** @param modules whose inputs are looked at: one of those that read the same */
    MomentsObserver(Backend backend, Set<String> modules) {
        this.backend = backend;
        this.modules = Set.copyOf(modules);
    }

    /** Of one input, until it is closed. */
    static final class Moments implements AutoCloseable {

        private final Backend backend;
        private final DeviceBuffer buffer;
        private final Matrix sums;
        private final Optional<Differences> differences;
        private long tokens;

        /** @param paired whether differences from the original model's input are summed, too */
        Moments(Backend backend, long columns, boolean paired) {
            this.backend = backend;
            buffer = backend.allocate("moments", bytes(columns, paired));
            sums = Matrix.of(buffer, DType.F32, columns, columns);
            long end = sums.bytes();
            differences = paired
                    ? Optional.of(new Differences(
                            new Matrix(buffer, end, DType.F32, columns, columns),
                            new Matrix(buffer, 2 * end, DType.F32, 1, columns)))
                    : Optional.empty();
        }

        static long bytes(long columns, boolean paired) {
            long sums = Matrix.bytes(DType.F32, columns, columns);
            return paired ? 2 * sums + Matrix.bytes(DType.F32, 1, columns) : sums;
        }

        /** @param rows BF16 */
        void accumulate(Matrix rows, Stream stream) {
            backend.operations().secondMoments().accumulate(rows, sums, stream);
            tokens += rows.rows();
        }

        /**
         * The same beside the original model's.
         *
         * @param d {@code [tokens, columns]} F32: what that has more
         * @param difference the same in BF16
         */
        void accumulate(Matrix rows, Matrix d, Matrix difference, Stream stream) {
            accumulate(rows, stream);
            Differences sums = differences.orElseThrow();
            backend.operations().secondMoments().squares(d, sums.squares(), stream);
            backend.operations().secondMoments().accumulate(difference, rows, sums.products(), stream);
        }

        /** Complete; makes sums symmetric. */
        InputMoments seen(Stream stream) {
            backend.operations().secondMoments().mirror(sums, stream);
            return new InputMoments(sums, differences, tokens);
        }

        @Override
        public void close() {
            buffer.close();
        }
    }

    @Override
    public void input(String module, Matrix activations, Stream stream) {
        if (!modules.contains(module)) {
            return;
        }
        Moments moments = byModule.computeIfAbsent(module, name -> new Moments(backend, activations.columns(), false));
        Matrix x = rounded(activations, stream);
        backend.operations().convert().convert(activations, x, stream);
        moments.accumulate(x, stream);
    }

    private Matrix rounded(Matrix activations, Stream stream) {
        long bytes = roundedBytes(activations.rows(), activations.columns());
        DeviceBuffer buffer = rounded;
        if (buffer == null || buffer.bytes() < bytes) {
            if (buffer != null) {
                stream.synchronize();
                buffer.close();
            }
            buffer = backend.allocate("moments", bytes);
            rounded = buffer;
        }
        return Matrix.of(buffer, DType.BF16, activations.rows(), activations.columns());
    }

    /** Of inputs rounded, beside the sums: of the largest one that comes. */
    static long roundedBytes(long tokens, long columns) {
        return Matrix.bytes(DType.BF16, tokens, columns);
    }

    /** What was seen of an input; zeros if no token came. The caller closes it. */
    Moments take(String module, int columns) {
        Moments seen = byModule.remove(module);
        return seen == null ? new Moments(backend, columns, false) : seen;
    }

    /** E[x²] by channel, of every module that was seen; their moments are gone then. */
    Map<String, float[]> takeSquares(Stream stream) {
        var squares = new HashMap<String, float[]>();
        for (String module : Set.copyOf(byModule.keySet())) {
            try (Moments moments = Objects.requireNonNull(byModule.remove(module));
                    DeviceBuffer diagonal = backend.allocate("moments", moments.sums.columns() * Float.BYTES)) {
                float[] means = new float[Math.toIntExact(moments.sums.columns())];
                Matrix row = Matrix.of(diagonal, DType.F32, 1, means.length);
                backend.operations().secondMoments().diagonal(moments.sums, row, stream);
                diagonal.copyTo(MemorySegment.ofArray(means), 0, stream);
                stream.synchronize();
                for (int channel = 0; channel < means.length; channel++) {
                    means[channel] /= moments.tokens;
                }
                squares.put(module, means);
            }
        }
        return squares;
    }

    @Override
    public void close() {
        byModule.values().forEach(Moments::close);
        if (rounded != null) {
            rounded.close();
        }
    }
}
