package io.octavo.engine.transformer;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;

/**
 * Memory that a block computes in. Blocks that use one name share it: there is room for the largest of them.
 *
 * @param rowsPerToken rows for each token of a batch; 0 for one row, whatever the batch
 */
record Scratch(String name, DType dtype, int rowsPerToken, long columns) {

    /** A row of F32 for each token. */
    static Scratch row(String name, long columns) {
        return new Scratch(name, DType.F32, 1, columns);
    }

    /** What a layer starts from and advances. */
    static Scratch residual(int hidden) {
        return row("residual", hidden);
    }

    /** What norms and blocks put their results into. */
    static Scratch normed(int hidden) {
        return row("normed", hidden);
    }

    Matrix in(DeviceBuffer buffer, int tokens) {
        return Matrix.of(buffer, dtype, rows(tokens), columns);
    }

    long bytes(int tokens) {
        return Matrix.bytes(dtype, rows(tokens), columns);
    }

    /** Of memory that grows with a batch. */
    long bytesPerToken() {
        return Matrix.bytes(dtype, rowsPerToken, columns);
    }

    private long rows(int tokens) {
        return rowsPerToken == 0 ? 1 : (long) tokens * rowsPerToken;
    }
}
