package io.octavo.engine.smoke;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.serve.Completion;
import io.octavo.engine.serve.CompletionEvent;
import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.SamplingParameters;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServedModels;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.engine.serve.StopConditions;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.transformer.KvCache;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Serves the baseline, then the model, has both continue the same prompts with the same seeds, and judges by
 * {@link SmokeChecks}. Each is in memory alone.
 */
public final class SmokeInference {

    private static final int SEQUENCES = 16;
    private static final int TEXT_TOKENS = 32;
    private static final int MODEL_LENGTH = 1024;
    private static final int PAGES_OF_A_TEXT = 4;
    private static final Duration PATIENCE = Duration.ofMillis(200);

    private final Backend backend;
    private final JobMonitor monitor;

    private SmokeInference(Backend backend, JobMonitor monitor) {
        this.backend = backend;
        this.monitor = monitor;
    }

    /**
     * @param source folder of the checkpoint that is judged
     * @param backend borrowed, and used by nobody else meanwhile
     * @throws QuantizationException what is wrong with a checkpoint, or {@code baseline-incompatible} where the two have
     *     vocabularies of different sizes
     */
    public static TaskResult.Smoke run(EvaluationTask.Smoke task, Path source, Backend backend, JobMonitor monitor) {
        long start = System.nanoTime();
        var smoke = new SmokeInference(backend, monitor);
        monitor.phase("smoke baseline");
        Drawn drawn = smoke.draw(task.baseline());
        monitor.progress(0.5);
        monitor.phase("smoke");
        List<Observation> observations = smoke.observe(task.name(), source, drawn);
        monitor.progress(1);
        return new TaskResult.Smoke(
                task.name(),
                SmokeChecks.of(observations.stream().map(Observation::observed).toList()),
                observations.stream().map(Observation::text).toList(),
                Duration.ofNanos(System.nanoTime() - start));
    }

    private record Observation(SmokeChecks.Observed observed, TaskResult.SmokeText text) {}

    private record Drawn(SmokePrompts prompts, int vocabularySize, List<Answer> answers) {}

    /** @param finite false where the model computed NaN, after which there are no tokens */
    private record Answer(boolean finite, List<TokenInfo> tokens, String text) {}

    private Drawn draw(Path folder) {
        try (ServedModel model = open(folder)) {
            int room = model.limits().maxModelLength() - TEXT_TOKENS;
            SmokePrompts prompts = SmokePrompts.of(model, room);
            List<Answer> answers = answers(model, drawing(prompts.tokens()));
            if (answers.stream().anyMatch(answer -> !answer.finite)) {
                throw new QuantizationException(ErrorCode.TENSOR_NOT_FINITE, "the baseline computes NaN");
            }
            return new Drawn(prompts, model.limits().vocabularySize(), answers);
        }
    }

    private List<Observation> observe(String task, Path source, Drawn baseline) {
        try (ServedModel model = open(source)) {
            if (model.limits().vocabularySize() != baseline.vocabularySize) {
                throw new QuantizationException(
                        ErrorCode.BASELINE_INCOMPATIBLE,
                        "the baseline of task " + task + " has " + baseline.vocabularySize + " tokens, the model "
                                + model.limits().vocabularySize());
            }
            List<List<Integer>> prompts = baseline.prompts.tokens();
            SmokePrompts own = SmokePrompts.of(model, model.limits().maxModelLength() - TEXT_TOKENS);
            List<Answer> drawn = answers(model, drawing(prompts));
            List<Answer> scored = answers(
                    model,
                    IntStream.range(0, prompts.size())
                            .mapToObj(i -> scoring(prompts.get(i), ids(baseline.answers.get(i).tokens)))
                            .toList());
            return IntStream.range(0, prompts.size())
                    .mapToObj(i -> new Observation(
                            observed(
                                    own.tokens().get(i).equals(prompts.get(i)),
                                    drawn.get(i),
                                    scored.get(i),
                                    baseline.answers.get(i)),
                            new TaskResult.SmokeText(
                                    baseline.prompts.texts().get(i), drawn.get(i).text, baseline.answers.get(i).text)))
                    .toList();
        }
    }

    /** @param scored what the model says to the prompt and, behind it, the baseline's text */
    private static SmokeChecks.Observed observed(boolean sameTokens, Answer drawn, Answer scored, Answer baseline) {
        boolean finite = drawn.finite && scored.finite;
        List<TokenInfo> ofText = finite
                ? scored.tokens.subList(scored.tokens.size() - baseline.tokens.size(), scored.tokens.size())
                : List.of();
        return new SmokeChecks.Observed(
                sameTokens,
                finite,
                ids(drawn.tokens),
                ids(baseline.tokens),
                ofText.stream().map(token -> token.top().getFirst().id()).toList(),
                baseline.tokens.stream()
                        .map(token -> token.top().getFirst().id())
                        .toList(),
                baseline.tokens.stream()
                        .map(token -> Math.exp(token.top().getFirst().logprob()))
                        .toList());
    }

    private static List<Integer> ids(List<TokenInfo> tokens) {
        return tokens.stream().map(TokenInfo::id).toList();
    }

    /** With a cache for the prompts alone, since a device may be needed for more than this. */
    private ServedModel open(Path folder) {
        long pageBytes;
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            pageBytes = KvCache.pageBytes(spec, DType.F32);
        }
        long pages =
                Math.max((long) SEQUENCES * PAGES_OF_A_TEXT, Math.ceilDiv(MODEL_LENGTH, KvCacheLayout.PAGE_TOKENS));
        return ServedModels.openOn(
                backend,
                folder,
                new ServingOptions(MODEL_LENGTH, SEQUENCES, null, pages * pageBytes, null, true, 64, 64, null),
                monitor);
    }

    private static List<CompletionRequest> drawing(List<List<Integer>> prompts) {
        return IntStream.range(0, prompts.size())
                .mapToObj(i -> new CompletionRequest(
                        "smoke",
                        prompts.get(i),
                        1,
                        TEXT_TOKENS,
                        SamplingParameters.drawn(1, i),
                        StopConditions.none(),
                        1,
                        false))
                .toList();
    }

    private static CompletionRequest scoring(List<Integer> prompt, List<Integer> text) {
        List<Integer> whole = Stream.concat(prompt.stream(), text.stream()).toList();
        return new CompletionRequest("smoke", whole, 1, 0, SamplingParameters.greedy(), StopConditions.none(), 1, true);
    }

    private List<Answer> answers(ServedModel model, List<CompletionRequest> requests) {
        List<Completion> completions = requests.stream().map(model::submit).toList();
        try {
            List<Answer> answers = new ArrayList<>();
            for (Completion completion : completions) {
                answers.add(answer(completion));
            }
            return answers;
        } finally {
            completions.forEach(Completion::close);
        }
    }

    private Answer answer(Completion completion) {
        List<TokenInfo> tokens = new ArrayList<>();
        var text = new StringBuilder();
        while (true) {
            monitor.checkpoint();
            switch (next(completion)) {
                case CompletionEvent.Prompt prompt -> tokens.addAll(prompt.tokens());
                case CompletionEvent.Piece piece -> {
                    tokens.addAll(piece.tokens());
                    text.append(piece.text());
                }
                case CompletionEvent.End end -> {
                    return isFinite(tokens) ? new Answer(true, tokens, text.toString()) : notFinite(text);
                }
                case CompletionEvent.Failure failed -> {
                    if (failed.code() == ErrorCode.TENSOR_NOT_FINITE) {
                        return notFinite(text);
                    }
                    throw new QuantizationException(failed.code(), failed.message());
                }
                case null, default -> {}
            }
        }
    }

    private static Answer notFinite(CharSequence text) {
        return new Answer(false, List.of(), text.toString());
    }

    private static boolean isFinite(List<TokenInfo> tokens) {
        return tokens.stream().map(TokenInfo::logprob).filter(Objects::nonNull).allMatch(Float::isFinite);
    }

    private static @Nullable CompletionEvent next(Completion completion) {
        try {
            return completion.next(PATIENCE).orElse(null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new JobCancelledException("interrupted while a model was tried out");
        }
    }
}
