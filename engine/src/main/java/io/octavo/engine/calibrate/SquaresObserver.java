package io.octavo.engine.calibrate;

import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Sums of squares of the channels of inputs, kept on the device. */
final class SquaresObserver implements ActivationObserver, AutoCloseable {

    private final Backend backend;
    private final Set<String> modules;
    private final Map<String, Sums> byModule = new HashMap<>();

    /** Of one input. */
    private static final class Sums {

        private final DeviceBuffer buffer;
        private final Matrix squares;
        private long tokens;

        /** Memory of the backend is zeroed. */
        Sums(Backend backend, long columns) {
            this.buffer = backend.allocate("moments", bytes(columns));
            this.squares = Matrix.of(buffer, DType.F32, 1, columns);
        }

        void add(Matrix activations, Backend backend, Stream stream) {
            backend.operations().secondMoments().squares(activations, squares, stream);
            tokens += activations.rows();
        }

        float[] means(Stream stream) {
            float[] means = new float[Math.toIntExact(squares.columns())];
            buffer.copyTo(MemorySegment.ofArray(means), 0, stream);
            stream.synchronize();
            for (int channel = 0; channel < means.length; channel++) {
                means[channel] /= tokens;
            }
            return means;
        }
    }

    /** @param modules whose inputs are looked at: one of those that read the same */
    SquaresObserver(Backend backend, Set<String> modules) {
        this.backend = backend;
        this.modules = Set.copyOf(modules);
    }

    /** Of an input, in memory of the backend. */
    static long bytes(long columns) {
        return Matrix.bytes(DType.F32, 1, columns);
    }

    @Override
    public void input(String module, Matrix activations, Stream stream) {
        if (modules.contains(module) && activations.rows() > 0) {
            byModule.computeIfAbsent(module, name -> new Sums(backend, activations.columns()))
                    .add(activations, backend, stream);
        }
    }

    /** E[x²] by channel, of every module that was seen; their sums are gone then. */
    Map<String, float[]> take(Stream stream) {
        var squares = new HashMap<String, float[]>();
        byModule.forEach((module, sums) -> squares.put(module, sums.means(stream)));
        close();
        return squares;
    }

    @Override
    public void close() {
        byModule.values().forEach(sums -> sums.buffer.close());
        byModule.clear();
    }
}
