package io.octavo.engine.benchmark;

import io.octavo.engine.serve.ServingOptions;
import io.octavo.kernels.number.DType;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * @param source folder of the checkpoint that is measured
 * @param baseline folder of the one that it is compared with, which is measured first
 * @param maxSequences texts that are continued at once; null for as many as clients of a closed loop, or 64
 * @param cacheType how keys and values are kept, F32, BF16, F8_E4M3 or I8; null for what serving chooses
 */
public record BenchmarkRequest(
        Path source,
        Path baseline,
        Load load,
        @Nullable Integer maxSequences,
        @Nullable DType cacheType) {

    /** @throws IllegalArgumentException if a number is outside its range, or keys and values cannot be kept so */
    public BenchmarkRequest {
        int sequences = maxSequences == null ? 1 : maxSequences;
        new ServingOptions(null, sequences, null, null, cacheType, false, 1, 1, null);
    }

    /** @param cache {@code auto}, {@code f32}, {@code bf16}, {@code fp8} or {@code int8} */
    public static BenchmarkRequest of(
            Path source, Path baseline, Load load, @Nullable Integer maxSequences, String cache) {
        DType type = ServingOptions.of(null, 1, null, cache).cacheType();
        return new BenchmarkRequest(source, baseline, load, maxSequences, type);
    }
}
