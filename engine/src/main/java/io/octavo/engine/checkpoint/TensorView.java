package io.octavo.engine.checkpoint;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A tensor that a file need not hold as it is: its numbers are found among stored ones while they are read. */
public interface TensorView {

    /** A tensor as its file holds it. */
    record Whole(StoredTensor tensor) implements TensorView {

        @Override
        public TensorInfo info() {
            return tensor.info();
        }

        @Override
        public void read(long from, MemorySegment target) {
            tensor.shard().read(tensor.info(), from, target);
        }

        /** Mapped, without a copy. */
        @Override
        public MemorySegment view(long from, long to, Arena arena) {
            return tensor.shard().map(tensor.info(), from, to, arena);
        }
    }

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

    /** The same, from one byte to another, in memory that lives as long as an arena. */
    default MemorySegment view(long from, long to, Arena arena) {
        MemorySegment made = arena.allocate(to - from);
        read(from, made);
        return made;
    }
}
