package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import io.octavo.engine.request.EvaluationMetric;
import io.octavo.jobs.problem.FieldError;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A limit that scores must keep.
 *
 * @param metric {@code perplexity}, {@code accuracy}, or one that compares with the baseline
 * @param task whose score is meant; every task that has the metric when absent
 * @param min the least value allowed
 * @param max the greatest value allowed
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@JsonRootName("GateRequest")
public record GateSpec(
        @NotNull @OneOf({
            EvaluationMetric.PERPLEXITY,
            EvaluationMetric.PERPLEXITY_RATIO,
            EvaluationMetric.ACCURACY,
            EvaluationMetric.ACCURACY_DIFFERENCE,
            EvaluationMetric.RECOVERY,
            EvaluationMetric.DIVERGENCE_MEAN,
            EvaluationMetric.DIVERGENCE_PERCENTILE99,
            EvaluationMetric.DIVERGENCE_AGREEMENT,
            EvaluationMetric.SMOKE
        })
        String metric,

        @Size(max = QuantizeSpec.MAX_NAME) @JsonPropertyDescription("whose score is meant; all that have it where it is absent")
        @Nullable String task,

        @Nullable Double min,
        @Nullable Double max) {

    /** Whether it compares with the baseline. */
    boolean compares() {
        return !metric.equals(EvaluationMetric.PERPLEXITY) && !metric.equals(EvaluationMetric.ACCURACY);
    }

    /** Whether the task has such a score. */
    boolean judges(TaskSpec of) {
        boolean kind = switch (metric) {
            case EvaluationMetric.PERPLEXITY, EvaluationMetric.PERPLEXITY_RATIO -> of instanceof TaskSpec.Perplexity;
            case EvaluationMetric.ACCURACY, EvaluationMetric.ACCURACY_DIFFERENCE ->
                of instanceof TaskSpec.MultipleChoice;
            case EvaluationMetric.RECOVERY ->
                of instanceof TaskSpec.Perplexity || of instanceof TaskSpec.MultipleChoice;
            case EvaluationMetric.DIVERGENCE_MEAN,
                    EvaluationMetric.DIVERGENCE_PERCENTILE99,
                    EvaluationMetric.DIVERGENCE_AGREEMENT -> of instanceof TaskSpec.Divergence;
            case EvaluationMetric.SMOKE -> of instanceof TaskSpec.Smoke;
            default -> false;
        };
        return kind && (task == null || task.equals(of.name()));
    }

    void contradictions(List<TaskSpec> tasks, boolean hasBaseline, String place, List<FieldError> errors) {
        if (min == null && max == null) {
            errors.add(new FieldError(place + ".max", "or min is required"));
        }
        impossible(place, errors);
        if (compares() && !hasBaseline) {
            errors.add(new FieldError(place + ".metric", "compares with a baseline, which the job does not name"));
        }
        if (tasks.stream().noneMatch(this::judges)) {
            errors.add(new FieldError(
                    place + ".metric", "is a score of no task" + (task == null ? "" : " named " + task)));
        }
    }

    /** Limits that no score can keep. */
    private void impossible(String place, List<FieldError> errors) {
        double least = switch (metric) {
            case EvaluationMetric.PERPLEXITY -> 1;
            case EvaluationMetric.PERPLEXITY_RATIO -> Double.MIN_VALUE; // of two that are at least 1 each
            case EvaluationMetric.ACCURACY_DIFFERENCE -> -1;
            default -> 0;
        };
        double greatest = switch (metric) {
            case EvaluationMetric.ACCURACY,
                    EvaluationMetric.ACCURACY_DIFFERENCE,
                    EvaluationMetric.DIVERGENCE_AGREEMENT,
                    EvaluationMetric.SMOKE -> 1;
            default -> Double.MAX_VALUE;
        };
        if (min != null && min > greatest) {
            errors.add(new FieldError(place + ".min", "is more than " + metric + " can be: " + min));
        }
        if (max != null && max < least) {
            errors.add(new FieldError(place + ".max", "is less than " + metric + " can be: " + max));
        }
        if (min != null && max != null && min > max) {
            errors.add(new FieldError(place + ".max", "is less than min: " + max + " < " + min));
        }
    }
}
