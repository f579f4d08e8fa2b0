package io.octavo.engine.checkpoint;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Whether a tensor survived in another checkpoint as it was. */
public final class TensorComparison {

    /** Bytes of either that are read at once. */
    private static final long WINDOW_BYTES = 1 << 20;

    private TensorComparison() {}

    /** Whether type, shape and all bits are equal; names do not count. */
    public static boolean identical(StoredTensor tensor, StoredTensor copy) {
        TensorInfo info = tensor.info();
        boolean equal = info.dtype() == copy.info().dtype()
                && info.shape().equals(copy.info().shape());
        try (Arena arena = Arena.ofConfined()) {
            long windowBytes = Math.min(WINDOW_BYTES, info.byteSize());
            MemorySegment one = arena.allocate(windowBytes);
            MemorySegment other = arena.allocate(windowBytes);
            for (long from = 0; equal && from < info.byteSize(); from += windowBytes) {
                long bytes = Math.min(windowBytes, info.byteSize() - from);
                tensor.shard().read(info, from, one.asSlice(0, bytes));
                copy.shard().read(copy.info(), from, other.asSlice(0, bytes));
                equal = one.asSlice(0, bytes).mismatch(other.asSlice(0, bytes)) < 0;
            }
        }
        return equal;
    }
}
