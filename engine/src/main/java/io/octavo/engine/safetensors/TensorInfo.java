package io.octavo.engine.safetensors;

import io.octavo.kernels.number.DType;
import java.util.List;

/**
 * Where a tensor lies in its file.
 *
 * @param shape outermost dimension first; empty for rank 0
 * @param begin first byte, counted from the end of the header
 * @param end one past the last byte
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, long begin, long end) {

    public TensorInfo {
        shape = List.copyOf(shape);
    }

    public long byteSize() {
        return end - begin;
    }

    /** The tensor without its place. */
    public TensorSpec spec() {
        return new TensorSpec(name, dtype, shape);
    }
}
