package io.octavo.engine.checkpoint;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.module.FusedExperts;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * One expert's weight {@code [outFeatures, inFeatures]} in a tensor of all experts.
 *
 * @param stack {@code [experts, outFeatures, inFeatures]}, or {@code [experts, inFeatures, outFeatures]}, where the output
 *     features of several projections may lie side by side
 */
public record ExpertView(TensorView stack, TensorInfo info, FusedExperts.Part part) implements TensorView {

    /** Columns that are turned together, so that a line of the cache is written at once. */
    private static final long TILE = 16;

    public static ExpertView of(TensorView stack, FusedExperts.Part part) {
        long bytes =
                part.outFeatures() * part.inFeatures() * stack.info().dtype().bytes();
        var info = new TensorInfo(
                part.module() + ".weight",
                stack.info().dtype(),
                List.of(part.outFeatures(), part.inFeatures()),
                0,
                bytes);
        return new ExpertView(stack, info, part);
    }

    @Override
    public StoredTensor tensor() {
        return stack.tensor();
    }

    @Override
    public void read(long from, MemorySegment target) {
        int bytes = info.dtype().bytes();
        long expertBytes = stack.info().byteSize() / stack.info().shape().getFirst();
        long begin = part.expert() * expertBytes;
        if (!part.inputFirst()) {
            stack.read(begin + part.firstRow() * part.inFeatures() * bytes + from, target);
            return;
        }
        try (Arena window = Arena.ofConfined()) {
            MemorySegment expert = stack.view(begin, begin + expertBytes, window);
            turn(expert, from / bytes, target, bytes);
        }
    }

    /** @param first element of the weight at which {@code target} begins */
    private void turn(MemorySegment expert, long first, MemorySegment target, int bytes) {
        long columns = part.inFeatures();
        long last = first + target.byteSize() / bytes;
        long stride = stack.info().shape().getLast();
        for (long tile = 0; tile < columns; tile += TILE) {
            for (long row = first / columns; row * columns < last; row++) {
                long from = Math.max(row * columns + tile, first);
                long to = Math.min(Math.min(row * columns + tile + TILE, (row + 1) * columns), last);
                for (long at = from; at < to; at++) {
                    long source = (at - row * columns) * stride + part.firstRow() + row;
                    if (bytes == Short.BYTES) {
                        target.set(
                                ValueLayout.JAVA_SHORT_UNALIGNED,
                                (at - first) * bytes,
                                expert.get(ValueLayout.JAVA_SHORT_UNALIGNED, source * bytes));
                    } else {
                        MemorySegment.copy(expert, source * bytes, target, (at - first) * bytes, bytes);
                    }
                }
            }
        }
    }
}
