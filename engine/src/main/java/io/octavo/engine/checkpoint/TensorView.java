package io.octavo.engine.checkpoint;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.MemorySegment;

/** A tensor that no file holds as it is: its numbers are found among stored ones while they are read. */
public interface TensorView {

    /** The stored tensor that most of it comes from. */
    StoredTensor tensor();

    /** Its name, type and shape; its place means nothing. */
    TensorInfo info();

    /**
     * Safe for use by several threads.
     *
     * @param from byte at which {@code target} begins, a whole element
     */
    void read(long from, MemorySegment target);
}
