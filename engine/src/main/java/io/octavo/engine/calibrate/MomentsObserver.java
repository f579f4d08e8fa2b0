package io.octavo.engine.calibrate;

import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
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
        private long tokens;

        Moments(Backend backend, long columns) {
            this.backend = backend;
            buffer = backend.allocate("moments", bytes(columns));
            sums = Matrix.of(buffer, DType.F32, columns, columns);
        }

        static long bytes(long columns) {
            return Matrix.bytes(DType.F32, columns, columns);
        }

        /** @param rows BF16 */
        void accumulate(Matrix rows, Stream stream) {
            backend.operations().secondMoments().accumulate(rows, sums, stream);
            tokens += rows.rows();
        }

        /** {@code [columns, columns]} F32 */
        Matrix sums() {
            return sums;
        }

        long tokens() {
            return tokens;
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
        Moments moments = byModule.computeIfAbsent(module, name -> new Moments(backend, activations.columns()));
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

    /** What was seen of an input, complete; zeros if no token came. The caller closes it. */
    Moments take(String module, int columns, Stream stream) {
        Moments seen = byModule.remove(module);
        Moments moments = seen == null ? new Moments(backend, columns) : seen;
        backend.operations().secondMoments().mirror(moments.sums, stream);
        return moments;
    }

    /** E[x²] by channel, of every module that was seen; their moments are gone then. */
    Map<String, float[]> takeSquares(Stream stream) {
        var squares = new HashMap<String, float[]>();
        for (String module : Set.copyOf(byModule.keySet())) {
            try (Moments moments = Objects.requireNonNull(byModule.remove(module));
                    HostMemory host = backend.allocateHost(moments.sums.columns() * Float.BYTES)) {
                diagonal(moments.sums, host.segment(), stream);
                float[] means = host.segment().toArray(ValueLayout.JAVA_FLOAT);
                for (int channel = 0; channel < means.length; channel++) {
                    means[channel] /= moments.tokens;
                }
                squares.put(module, means);
            }
        }
        return squares;
    }

    private static void diagonal(Matrix sums, MemorySegment target, Stream stream) {
        long next = Matrix.bytes(DType.F32, 1, sums.columns() + 1);
        for (long row = 0; row < sums.rows(); row++) {
            sums.buffer().copyTo(target.asSlice(row * Float.BYTES, Float.BYTES), row * next, stream);
        }
        stream.synchronize();
    }

    @Override
    public void close() {
        byModule.values().forEach(Moments::close);
        if (rounded != null) {
            rounded.close();
        }
    }
}
