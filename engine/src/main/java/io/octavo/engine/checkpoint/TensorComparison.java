package io.octavo.engine.checkpoint;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;

/** Whether a tensor survived in another checkpoint as it was. */
public final class TensorComparison {

    /** Bytes mapped at once. */
    private static final long WINDOW_BYTES = 1 << 24;

    private TensorComparison() {}

    /** Whether type, shape and all bits are equal; names do not count. */
    public static boolean identical(StoredTensor tensor, StoredTensor copy) {
        TensorInfo info = tensor.info();
        boolean equal = info.dtype() == copy.info().dtype()
                && info.shape().equals(copy.info().shape());
        for (long from = 0; equal && from < info.byteSize(); from += WINDOW_BYTES) {
            long to = Math.min(from + WINDOW_BYTES, info.byteSize());
            try (Arena window = Arena.ofConfined()) {
                equal = tensor.shard()
                                .map(info, from, to, window)
                                .mismatch(copy.shard().map(copy.info(), from, to, window))
                        < 0;
            }
        }
        return equal;
    }
}
