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

/**
 * What is known of inputs that Linears read, on the device: the means of products of their channels, and a factor of those; one
 * input, or several below each other.
 */
final class SolverInput implements AutoCloseable {

    private final Backend backend;
    private final Stream stream;
    private final JobMonitor monitor;
    private final DeviceBuffer memory;
    private final int inputs;
    private final Matrix moments;
    private final Matrix importance;
    private final Optional<HessianFactor> factor;
    private final Optional<InputCorrection> correction;

    /**
     * @param seen whose sums become means; of which no tokens leave zeros, of which there is no factor; of several inputs without
     *     differences
     */
    SolverInput(Backend backend, Stream stream, JobMonitor monitor, Gptq settings, InputMoments seen) {
        this.backend = backend;
        this.stream = stream;
        this.monitor = monitor;
        this.inputs = seen.inputs();
        this.moments = seen.sums();
        int columns = seen.columns();
        this.memory = backend.allocate("gptq", ownBytes(columns, inputs));
        try {
            this.importance = Matrix.of(memory, DType.F32, inputs, columns);
            float[] shares = new float[2 * inputs];
            for (int input = 0; input < inputs; input++) {
                shares[2 * input] = 1f / Math.max(seen.tokens().get(input), 1);
            }
            var scaling = new Matrix(memory, importance.bytes(), DType.F32, inputs, 2);
            memory.copyFrom(MemorySegment.ofArray(shares), scaling.offset(), stream);
            backend.operations().secondMoments().arrange(moments, null, scaling, moments, stream);
            backend.operations().secondMoments().diagonal(moments, importance, stream);
            float[] squares = new float[inputs * columns];
            memory.copyTo(MemorySegment.ofArray(squares), 0, stream);
            stream.synchronize();
            this.factor = HessianFactor.of(moments, squares, settings, backend, stream);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
        try {
            this.correction = factor.flatMap(inverse -> seen.differences()
                    .flatMap(found -> InputCorrection.of(found, seen.tokens().getFirst(), inverse, backend, stream)));
        } catch (RuntimeException e) {
            factor.ifPresent(HessianFactor::close);
            memory.close();
            throw e;
        }
    }

    /** Of the moments' diagonals and what those are divided by. */
    private static long ownBytes(int columns, int inputs) {
        return Matrix.bytes(DType.F32, inputs, columns) + Matrix.bytes(DType.F32, inputs, 2);
    }

    /** Memory of the backend that stays, beside the sums. */
    static long bytes(int columns, int inputs, boolean paired) {
        return ownBytes(columns, inputs)
                + HessianFactor.bytes(columns, inputs)
                + (paired ? InputCorrection.bytes(columns) : 0);
    }

    int inputs() {
        return inputs;
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

    /** {@code [inputs * columns, columns]} F32 */
    Matrix moments() {
        return moments;
    }

    /** E[x²] of each channel: {@code [inputs, columns]} F32. */
    Matrix importance() {
        return importance;
    }

    /** Empty where no dampening helps any input, or nothing was seen. */
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
