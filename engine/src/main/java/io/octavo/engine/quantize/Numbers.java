package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.FloatRun;
import io.octavo.engine.checkpoint.TensorComparison;
import io.octavo.engine.checkpoint.TensorView;
import io.octavo.engine.modify.ChannelScaling;
import io.octavo.engine.modify.SolvedCodes;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Where the numbers of an action come from; writing and verification read them alike. Safe for use by several threads. */
public sealed interface Numbers {

    /** The tensor of the source that they come from. */
    StoredTensor tensor();

    /** Their name, type and shape. */
    default TensorInfo info() {
        return tensor().info();
    }

    /** @param from byte of the tensor at which {@code target} begins, a whole element */
    void read(long from, MemorySegment target);

    /** The same, from one byte to another, in memory that lives as long as an arena. */
    default MemorySegment view(long from, long to, Arena arena) {
        MemorySegment made = arena.allocate(to - from);
        read(from, made);
        return made;
    }

    /**
     * Some of them in f32.
     *
     * @param from byte of the tensor, a whole element
     */
    default void floats(long from, float[] target, int first, int count) {
        DType dtype = info().dtype();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = view(from, from + (long) count * dtype.bytes(), arena);
            FloatRun.read(numbers, dtype, 0, target, first, count);
        }
    }

    /** The same multiplied, after what else multiplies them; rounded once. */
    default Numbers times(ChannelScaling scaling) {
        return switch (this) {
            case Stored stored -> new Scaled(stored, scaling);
            case Viewed viewed -> new Scaled(viewed, scaling);
            case Scaled scaled -> new Scaled(scaled.numbers, scaled.scaling.then(scaling));
            case Solved found ->
                throw new IllegalStateException("the codes of " + info().name() + " are solved already");
        };
    }

    /** The codes that were found for them, if rounding does not make them. */
    default Optional<SolvedCodes> solved() {
        return Optional.empty();
    }

    /** Whether a written tensor holds exactly these. */
    default boolean equalTo(StoredTensor written) {
        return TensorComparison.identical(info(), this::read, written);
    }

    /** As they are stored. */
    record Stored(StoredTensor tensor) implements Numbers {

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

    /** Found among stored numbers while they are read. */
    record Viewed(TensorView view) implements Numbers {

        @Override
        public StoredTensor tensor() {
            return view.tensor();
        }

        @Override
        public TensorInfo info() {
            return view.info();
        }

        @Override
        public void read(long from, MemorySegment target) {
            view.read(from, target);
        }
    }

    /** What became of others, whose place and shape it has. */
    sealed interface Derived extends Numbers {

        Numbers numbers();

        @Override
        default StoredTensor tensor() {
            return numbers().tensor();
        }

        @Override
        default TensorInfo info() {
            return numbers().info();
        }
    }

    /** Each row and column multiplied, then rounded to the tensor's type. */
    record Scaled(Numbers numbers, ChannelScaling scaling) implements Derived {

        public Scaled {
            if (!scaling.fits(rows(numbers.info()), columns(numbers.info()))) {
                throw new IllegalArgumentException("the scaling does not fit "
                        + numbers.info().name() + " of shape "
                        + numbers.info().shape());
            }
        }

        private static long columns(TensorInfo info) {
            return info.shape().getLast();
        }

        private static long rows(TensorInfo info) {
            return info.byteSize() / info.dtype().bytes() / columns(info);
        }

        @Override
        public void read(long from, MemorySegment target) {
            numbers.read(from, target);
            DType dtype = info().dtype();
            long first = from / dtype.bytes();
            long count = target.byteSize() / dtype.bytes();
            long columns = columns(info());
            float[] run = new float[(int) Math.min(columns, count)];
            int length;
            for (long at = 0; at < count; at += length) {
                int row = (int) ((first + at) / columns);
                int column = (int) ((first + at) % columns);
                length = (int) Math.min(columns - column, count - at);
                FloatRun.read(target, dtype, at, run, 0, length);
                scaling.apply(run, length, row, column);
                FloatRun.write(run, length, target, dtype, at);
            }
        }
    }

    /** Any of the others, whose codes are known. */
    record Solved(Numbers numbers, SolvedCodes codes) implements Derived {

        @Override
        public void read(long from, MemorySegment target) {
            numbers.read(from, target);
        }

        @Override
        public Optional<SolvedCodes> solved() {
            return Optional.of(codes);
        }
    }
}
