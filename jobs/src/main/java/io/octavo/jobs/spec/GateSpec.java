package io.octavo.jobs.spec;

import java.util.List;
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

    static final List<String> METRICS = List.of(PERPLEXITY, PERPLEXITY_RATIO, ACCURACY, ACCURACY_DIFFERENCE);

    /** Whether it compares with the baseline. */
    boolean compares() {
        return metric.equals(PERPLEXITY_RATIO) || metric.equals(ACCURACY_DIFFERENCE);
    }

    /** Whether the task has such a score. */
    boolean judges(TaskSpec of) {
        boolean kind = metric.startsWith(PERPLEXITY)
                ? of instanceof TaskSpec.Perplexity
                : of instanceof TaskSpec.MultipleChoice;
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
