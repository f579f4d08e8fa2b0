package io.octavo.engine.transformer;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The hidden states of texts that wait: in host memory, or on a device of its own that has plenty. */
final class TextStates implements AutoCloseable {

    /** So many times as much must be free on the device. */
    private static final int PLENTY = 8;

    private final Backend backend;
    private final List<Matrix> onDevice = new ArrayList<>();
    private final List<HostMemory> inHost = new ArrayList<>();

    TextStates(Backend backend, List<int[]> texts, int hidden) {
        this.backend = backend;
        long bytes = texts.stream()
                .mapToLong(tokens -> Matrix.bytes(DType.F32, tokens.length, hidden))
                .sum();
        boolean fits = bytes <= backend.freeMemoryBytes() / PLENTY;
        try {
            for (int[] tokens : texts) {
                long own = Matrix.bytes(DType.F32, tokens.length, hidden);
                if (fits) {
                    onDevice.add(Matrix.of(backend.allocate("states", own), DType.F32, tokens.length, hidden));
                } else {
                    inHost.add(backend.allocateHost(own));
                }
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** @param target receives {@code [tokens, hidden]} F32 */
    void read(int text, Matrix target, Stream stream) {
        if (onDevice.isEmpty()) {
            target.buffer().copyFrom(inHost.get(text).segment(), target.offset(), stream);
        } else {
            backend.operations().convert().convert(onDevice.get(text), target, stream);
        }
    }

    /** @param hidden {@code [tokens, hidden]} F32 */
    void write(int text, Matrix hidden, Stream stream) {
        if (onDevice.isEmpty()) {
            hidden.buffer().copyTo(inHost.get(text).segment(), hidden.offset(), stream);
        } else {
            backend.operations().convert().convert(hidden, onDevice.get(text), stream);
        }
    }

    /** @param target receives them, once the stream is synchronized */
    void copyTo(int text, MemorySegment target, Stream stream) {
        if (onDevice.isEmpty()) {
            target.copyFrom(inHost.get(text).segment());
        } else {
            onDevice.get(text).buffer().copyTo(target, 0, stream);
        }
    }

    @Override
    public void close() {
        onDevice.stream().map(Matrix::buffer).forEach(DeviceBuffer::close);
        inHost.forEach(HostMemory::close);
    }
}
