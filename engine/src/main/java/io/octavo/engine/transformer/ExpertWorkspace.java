package io.octavo.engine.transformer;

import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;

/** What a mixture of experts needs beside the activations of a dense layer. */
final class ExpertWorkspace implements AutoCloseable {

    private final int hidden;
    private final FeedForwardSpec.Experts spec;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final DeviceBuffer logits;
    private final DeviceBuffer chosen;
    private final DeviceBuffer weights;
    private final DeviceBuffer sources;
    private final DeviceBuffer rows;
    private final DeviceBuffer starts;
    private final DeviceBuffer ordered;

    ExpertWorkspace(Backend backend, int hidden, FeedForwardSpec.Experts spec, int tokens) {
        this.hidden = hidden;
        this.spec = spec;
        this.logits = allocate(backend, DType.F32, tokens, spec.count());
        this.chosen = allocate(backend, DType.I32, tokens, spec.perToken());
        this.weights = allocate(backend, DType.F32, tokens, spec.perToken());
        this.sources = allocate(backend, DType.I32, tokens, spec.perToken());
        this.rows = allocate(backend, DType.I32, tokens, spec.perToken());
        this.starts = allocate(backend, DType.I32, 1, spec.count() + 1);
        this.ordered = allocate(backend, DType.F32, (long) tokens * spec.perToken(), hidden);
    }

    private DeviceBuffer allocate(Backend backend, DType dtype, long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("activations", Matrix.bytes(dtype, rows, columns));
        buffers.add(buffer);
        return buffer;
    }

    /** Bytes that a token of a batch costs here. */
    static long bytesPerToken(int hidden, FeedForwardSpec.Experts spec) {
        return (spec.count() + (4L + hidden) * spec.perToken()) * Float.BYTES;
    }

    Matrix logits(int tokens) {
        return Matrix.of(logits, DType.F32, tokens, spec.count());
    }

    Matrix chosen(int tokens) {
        return Matrix.of(chosen, DType.I32, tokens, spec.perToken());
    }

    Matrix weights(int tokens) {
        return Matrix.of(weights, DType.F32, tokens, spec.perToken());
    }

    Matrix sources(int tokens) {
        return Matrix.of(sources, DType.I32, 1, (long) tokens * spec.perToken());
    }

    Matrix rows(int tokens) {
        return Matrix.of(rows, DType.I32, tokens, spec.perToken());
    }

    Matrix starts() {
        return Matrix.of(starts, DType.I32, 1, spec.count() + 1);
    }

    /** A row for each expert of each token. */
    Matrix ordered(int tokens) {
        return Matrix.of(ordered, DType.F32, (long) tokens * spec.perToken(), hidden);
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
    }
}
