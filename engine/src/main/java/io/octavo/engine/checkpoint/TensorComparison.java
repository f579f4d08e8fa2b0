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
        return identical(tensor.info(), (from, target) -> tensor.shard().read(tensor.info(), from, target), copy);
    }

    /** Reads bytes of a tensor, from one of them on, as many as there is room for. */
    public interface Reader {
        void read(long from, MemorySegment target);
    }

    /** The same for bytes that come from anywhere. */
    public static boolean identical(TensorInfo info, Reader bytesOf, StoredTensor copy) {
        boolean equal = info.dtype() == copy.info().dtype()
                && info.shape().equals(copy.info().shape());
        try (Arena arena = Arena.ofConfined()) {
            long windowBytes = Math.min(WINDOW_BYTES, info.byteSize());
            MemorySegment one = arena.allocate(windowBytes);
            MemorySegment other = arena.allocate(windowBytes);
            for (long from = 0; equal && from < info.byteSize(); from += windowBytes) {
                long bytes = Math.min(windowBytes, info.byteSize() - from);
                bytesOf.read(from, one.asSlice(0, bytes));
                copy.shard().read(copy.info(), from, other.asSlice(0, bytes));
                equal = one.asSlice(0, bytes).mismatch(other.asSlice(0, bytes)) < 0;
            }
        }
        return equal;
    }
}
