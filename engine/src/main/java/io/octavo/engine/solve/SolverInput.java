package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** What is known of an input that Linears read: the means of products of its channels, and what solving needs of them. */
final class SolverInput implements AutoCloseable {

    private final Backend backend;
    private final Stream stream;
    private final RowTasks tasks;
    private final float[][] h;
    private final float[] importance;
    private final DeviceBuffer memory;
    private final Matrix moments;
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
        this.h = new float[columns][columns];
        this.importance = new float[columns];
        for (int i = 0; i < columns; i++) {
            sums.buffer()
                    .copyTo(MemorySegment.ofArray(h[i]), sums.rows(i, i + 1L).offset(), stream);
        }
        stream.synchronize();
        divide(Math.max(tokens, 1));
        this.memory = backend.allocate("gptq", Matrix.bytes(DType.F32, columns, columns));
        try {
            this.moments = Matrix.of(memory, DType.F32, columns, columns);
            for (int i = 0; i < columns; i++) {
                memory.copyFrom(
                        MemorySegment.ofArray(h[i]), moments.rows(i, i + 1L).offset(), stream);
            }
            stream.synchronize();
            this.factor = seen() ? HessianFactor.of(h, settings, backend, tasks, stream) : Optional.empty();
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    private void divide(long tokens) {
        float share = 1f / tokens;
        tasks.run(h.length, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                for (int j = 0; j < h.length; j++) {
                    h[i][j] *= share;
                }
                importance[i] = h[i][i];
            }
        });
    }

    private boolean seen() {
        for (float number : importance) {
            if (number > 0) {
                return true;
            }
        }
        return false;
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

    /** {@code [columns, columns]}, not a copy. */
    float[][] h() {
        return h;
    }

    /** E[x²] of each channel, not a copy. */
    float[] importance() {
        return importance;
    }

    /** {@link #h} on the device. */
    Matrix moments() {
        return moments;
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
