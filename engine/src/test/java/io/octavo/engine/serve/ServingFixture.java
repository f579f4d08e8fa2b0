package io.octavo.engine.serve;

import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.transformer.KvCache;
import io.octavo.kernels.Backends;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** The example model, served on the processor. */
final class ServingFixture {

    private ServingFixture() {}

    static final int VOCABULARY = 8192;

    static ServedModel serve(ServingOptions options) {
        return ServedModels.open(Backends.cpu(2), TestModels.books5m(), options, JobMonitor.none());
    }

    static ServedModel serve() {
        return serve(options(32, null, null));
    }

    /** @param pages of the cache; null for as many as can be of use */
    static ServingOptions options(int maxSequences, @Nullable Integer batchTokens, @Nullable Integer pages) {
        Long bytes = pages == null ? null : pages * pageBytes(DType.F32);
        return new ServingOptions(512, maxSequences, batchTokens, bytes, DType.F32, true, 256, 128, null);
    }

    static long pageBytes(DType type) {
        return KvCache.pageBytes(spec(), type);
    }

    private static ModelSpec spec() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            return Architectures.read(checkpoint.config().tree());
        }
    }

    /** Any tokens, none of which ends a text. */
    static List<Integer> prompt(long seed, int length) {
        var prompt = new ArrayList<>(List.of(0));
        new SplittableRandom(seed).ints(length - 1L, 300, VOCABULARY).forEach(prompt::add);
        return prompt;
    }

    static final StopConditions NEVER = new StopConditions(List.of(), Set.of(), true, false);

    static CompletionRequest greedy(List<Integer> prompt, int maxTokens) {
        return new CompletionRequest("client", prompt, maxTokens, SamplingParameters.greedy(), NEVER);
    }
}
