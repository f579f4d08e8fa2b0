package io.octavo.engine.inspect;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.FiniteNumbers;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Looks for NaN and infinity in every tensor of a checkpoint: codes, scales, and what is kept. One pass over the files, a window
 * of each tensor at a time.
 */
final class NumberScan {

    private static final long WINDOW_BYTES = 1 << 24;

    private NumberScan() {}

    /** The first of them, with its file, tensor and element. */
    static Optional<String> first(Checkpoint checkpoint) {
        return checkpoint.stored().values().stream()
                .parallel()
                .map(NumberScan::first)
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<String> first(StoredTensor stored) {
        TensorInfo tensor = stored.info();
        for (long from = 0; from < tensor.byteSize(); from += WINDOW_BYTES) {
            long to = Math.min(from + WINDOW_BYTES, tensor.byteSize());
            try (Arena window = Arena.ofConfined()) {
                OptionalLong element =
                        FiniteNumbers.first(tensor, from, stored.shard().map(tensor, from, to, window));
                if (element.isPresent()) {
                    return Optional.of("tensor " + tensor.name() + " of " + tensor.dtype()
                            + " holds NaN or infinity at element " + element.getAsLong());
                }
            }
        }
        return Optional.empty();
    }
}
