package io.octavo.api.plan;

import io.octavo.api.plan.PlanView.Evaluation;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.TaskSpec;
import java.util.List;

/** What the sizes of models do not allow of jobs that run them, with what the work itself would say. */
final class ModelLimits {

    private ModelLimits() {}

    /**
     * @param models of the job, as far as they could be looked at
     * @throws QuantizationException {@code dataset-invalid}, {@code prompt-too-long} or {@code baseline-incompatible}
     */
    static void require(EvaluateSpec job, List<Evaluation> models) {
        job.tasks().forEach(task -> models.forEach(model -> require(task, model)));
        if (job.tasks().stream().anyMatch(TaskSpec::compares)) {
            requireOneVocabulary(job, models);
        }
    }

    private static void require(TaskSpec task, Evaluation model) {
        int positions = model.checkpoint().maxPositions();
        switch (task) {
            case TaskSpec.Perplexity perplexity -> requireWindow(perplexity.windowTokens(), task, model);
            case TaskSpec.Divergence divergence -> requireWindow(divergence.windowTokens(), task, model);
            case TaskSpec.Generation generation -> {
                if (generation.maxTokens() >= positions) {
                    throw new QuantizationException(
                            ErrorCode.PROMPT_TOO_LONG,
                            "maxTokens " + generation.maxTokens() + " of task " + task.name()
                                    + " leaves no room for a prompt in the " + positions + " positions of "
                                    + model.uri());
                }
            }
            case TaskSpec.MultipleChoice choice -> {} // cut to what the model takes
            case TaskSpec.Smoke smoke -> {} // as short as the model wants it
        }
    }

    private static void requireWindow(int tokens, TaskSpec task, Evaluation model) {
        if (tokens > model.checkpoint().maxPositions()) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID,
                    "windowTokens " + tokens + " of task " + task.name() + " exceeds the "
                            + model.checkpoint().maxPositions() + " positions of " + model.uri());
        }
    }

    private static void requireOneVocabulary(EvaluateSpec job, List<Evaluation> models) {
        for (Evaluation model : models) {
            int size = models.getFirst().checkpoint().vocabularySize();
            if (model.checkpoint().vocabularySize() != size) {
                throw new QuantizationException(
                        ErrorCode.BASELINE_INCOMPATIBLE,
                        "a task compares tokens with the baseline's, of which " + job.source() + " has " + size
                                + " and " + model.uri() + " "
                                + model.checkpoint().vocabularySize());
            }
        }
    }

    /** @throws QuantizationException {@code prompt-too-long} */
    static void require(BenchmarkSpec job, List<Evaluation> models) {
        long most = (long) job.inputTokens().most() + job.outputTokens().most();
        for (Evaluation model : models) {
            if (most > model.checkpoint().maxPositions()) {
                throw new QuantizationException(
                        ErrorCode.PROMPT_TOO_LONG,
                        "the load has prompts and texts of up to " + most + " tokens together, " + model.uri() + " has "
                                + model.checkpoint().maxPositions() + " positions");
            }
        }
    }
}
