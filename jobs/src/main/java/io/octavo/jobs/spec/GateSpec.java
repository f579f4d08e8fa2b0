package io.octavo.jobs.spec;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A limit that scores must keep.
 *
 * @param metric one of {@link #METRICS}
 * @param task whose score is meant; every task that has the metric when absent
 * @param min the least value allowed
 * @param max the greatest value allowed
 */
public record GateSpec(
        String metric,
        @Nullable String task,
        @Nullable Double min,
        @Nullable Double max) {

    public static final String PERPLEXITY = "perplexity";
    public static final String PERPLEXITY_RATIO = "perplexity.ratio";
    public static final String ACCURACY = "accuracy";
    public static final String ACCURACY_DIFFERENCE = "accuracy.difference";

    public static final String DIVERGENCE_MEAN = "divergence.mean";
    public static final String DIVERGENCE_AGREEMENT = "divergence.agreement";

    /** Those that compare with the baseline. */
    public static final List<String> COMPARING =
            List.of(PERPLEXITY_RATIO, ACCURACY_DIFFERENCE, DIVERGENCE_MEAN, DIVERGENCE_AGREEMENT);

    public static final List<String> METRICS =
            Stream.concat(Stream.of(PERPLEXITY, ACCURACY), COMPARING.stream()).toList();

    /** Whether it compares with the baseline. */
    boolean compares() {
        return COMPARING.contains(metric);
    }

    /** Whether the task has such a score. */
    boolean judges(TaskSpec of) {
        boolean kind = switch (metric) {
            case PERPLEXITY, PERPLEXITY_RATIO -> of instanceof TaskSpec.Perplexity;
            case ACCURACY, ACCURACY_DIFFERENCE -> of instanceof TaskSpec.MultipleChoice;
            case DIVERGENCE_MEAN, DIVERGENCE_AGREEMENT -> of instanceof TaskSpec.Divergence;
            default -> false;
        };
        return kind && (task == null || task.equals(of.name()));
    }

    ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("metric", metric);
        if (task != null) {
            json.put("task", task);
        }
        if (min != null) {
            json.put("min", min);
        }
        if (max != null) {
            json.put("max", max);
        }
        return json;
    }
}
