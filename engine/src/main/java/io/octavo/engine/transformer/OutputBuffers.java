package io.octavo.engine.transformer;

import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;

/** What becomes of hidden states after the last layer: logits, and what is found by them. */
final class OutputBuffers implements AutoCloseable {

    private final ModelSpec spec;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final DeviceBuffer gathered;
    private final DeviceBuffer logits;
    private final DeviceBuffer losses;
    private final DeviceBuffer winners;
    private final DeviceBuffer seen;

    OutputBuffers(Backend backend, ModelSpec spec, RunLimits limits) {
        this.spec = spec;
        int rows = limits.logitRows();
        this.gathered = allocate(backend, DType.F32, rows, spec.hiddenSize());
        this.logits = allocate(backend, DType.F32, rows, spec.vocabularySize());
        this.losses = allocate(backend, DType.F32, 1, rows);
        this.winners = allocate(backend, DType.I32, 1, rows);
        this.seen = allocate(backend, DType.I32, Math.min(limits.batchSequences(), rows), seenWords());
    }

    private DeviceBuffer allocate(Backend backend, DType dtype, long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("activations", Matrix.bytes(dtype, rows, columns));
        buffers.add(buffer);
        return buffer;
    }

    Matrix gathered(int rows) {
        return Matrix.of(gathered, DType.F32, rows, spec.hiddenSize());
    }

    Matrix logits(int rows) {
        return Matrix.of(logits, DType.F32, rows, spec.vocabularySize());
    }

    Matrix losses(int rows) {
        return Matrix.of(losses, DType.F32, 1, rows);
    }

    Matrix winners(int rows) {
        return Matrix.of(winners, DType.I32, 1, rows);
    }

    /** Of {@link io.octavo.kernels.operation.Sampling}: the tokens that texts hold. */
    Matrix seen(int texts) {
        return Matrix.of(seen, DType.I32, texts, seenWords());
    }

    private int seenWords() {
        return Math.ceilDiv(spec.vocabularySize(), Integer.SIZE);
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
    }
}
