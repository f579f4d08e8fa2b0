package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** What is known of an input that Linears read, on the device: the means of products of its channels, and a factor of those. */
final class SolverInput implements AutoCloseable {

    private final Backend backend;
    private final Stream stream;
    private final RowTasks tasks;
    private final DeviceBuffer memory;
    private final Matrix moments;
    private final Matrix importance;
    private final Optional<HessianFactor> factor;

    /**
     * @param sums {@code [columns, columns]} F32: sums of products of an input's channels, mirrored
     * @param tokens that were summed; none leaves zeros, of which there is no factor
     */
    SolverInput(Backend backend, Stream stream, RowTasks tasks, Gptq settings, Matrix sums, long tokens) {
        this.backend = backend;
        this.stream = stream;
        this.tasks = tasks;
        int columns = Math.toIntExact(sums.columns());
        long bytes = Matrix.bytes(DType.F32, columns, columns);
        this.memory = backend.allocate("gptq", bytes + Matrix.bytes(DType.F32, 1, columns));
        try {
            this.moments = Matrix.of(memory, DType.F32, columns, columns);
            this.importance = new Matrix(memory, bytes, DType.F32, 1, columns);
            backend.operations().secondMoments().arrange(sums, null, 1f / Math.max(tokens, 1), 0, moments, stream);
            backend.operations().secondMoments().diagonal(moments, importance, stream);
            float[] squares = new float[columns];
            memory.copyTo(MemorySegment.ofArray(squares), bytes, stream);
            stream.synchronize();
            this.factor = HessianFactor.of(moments, squares, settings, backend, stream);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    Backend backend() {
        return backend;
    }

    Stream stream() {
        return stream;
    }

    RowTasks tasks() {
        return tasks;
    }

    /** {@code [columns, columns]} F32 */
    Matrix moments() {
        return moments;
    }

    /** E[x²] of each channel: {@code [1, columns]} F32. */
    Matrix importance() {
        return importance;
    }

    /** Empty where no dampening helps, or nothing was seen. */
    Optional<HessianFactor> factor() {
        return factor;
    }

    @Override
    public void close() {
        factor.ifPresent(HessianFactor::close);
        memory.close();
    }
}
