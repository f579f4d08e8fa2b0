package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.JobMonitor;
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
    private final JobMonitor monitor;
    private final DeviceBuffer memory;
    private final Matrix moments;
    private final Matrix importance;
    private final Optional<HessianFactor> factor;
    private final Optional<InputCorrection> correction;

    /** @param seen of which no tokens leave zeros, of which there is no factor */
    SolverInput(Backend backend, Stream stream, JobMonitor monitor, Gptq settings, InputMoments seen) {
        this.backend = backend;
        this.stream = stream;
        this.monitor = monitor;
        int columns = seen.columns();
        long bytes = Matrix.bytes(DType.F32, columns, columns);
        this.memory = backend.allocate("gptq", ownBytes(columns));
        try {
            this.moments = Matrix.of(memory, DType.F32, columns, columns);
            this.importance = new Matrix(memory, bytes, DType.F32, 1, columns);
            float share = 1f / Math.max(seen.tokens(), 1);
            backend.operations().secondMoments().arrange(seen.sums(), null, share, 0, moments, stream);
            backend.operations().secondMoments().diagonal(moments, importance, stream);
            float[] squares = new float[columns];
            memory.copyTo(MemorySegment.ofArray(squares), bytes, stream);
            stream.synchronize();
            this.factor = HessianFactor.of(moments, squares, settings, backend, stream);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
        try {
            this.correction = factor.flatMap(inverse -> seen.differences()
                    .flatMap(found -> InputCorrection.of(found, seen.tokens(), inverse, backend, stream)));
        } catch (RuntimeException e) {
            factor.ifPresent(HessianFactor::close);
            memory.close();
            throw e;
        }
    }

    /** Of the moments and their diagonal. */
    private static long ownBytes(int columns) {
        return Matrix.bytes(DType.F32, columns, columns) + Matrix.bytes(DType.F32, 1, columns);
    }

    /** Memory of the backend that stays, beside the sums. */
    static long bytes(int columns, boolean paired) {
        return ownBytes(columns) + HessianFactor.bytes(columns) + (paired ? InputCorrection.bytes(columns) : 0);
    }

    Backend backend() {
        return backend;
    }

    Stream stream() {
        return stream;
    }

    /** Asked whether to stop. */
    JobMonitor monitor() {
        return monitor;
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

    /** Empty where the original model's input is not known. */
    Optional<InputCorrection> correction() {
        return correction;
    }

    @Override
    public void close() {
        correction.ifPresent(InputCorrection::close);
        factor.ifPresent(HessianFactor::close);
        memory.close();
    }
}
