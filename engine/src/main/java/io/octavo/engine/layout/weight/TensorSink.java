package io.octavo.engine.layout.weight;

import java.nio.ByteBuffer;

/** Takes the bytes of tensors whose names, types and shapes it knows already. */
@FunctionalInterface
public interface TensorSink {

    /**
     * @param offset first byte, counted from the tensor's begin
     * @param bytes borrowed; its position moves to its limit
     */
    void write(String tensor, long offset, ByteBuffer bytes);
}
