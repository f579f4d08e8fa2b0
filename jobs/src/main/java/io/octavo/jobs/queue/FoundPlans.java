package io.octavo.jobs.queue;

import io.octavo.wire.PlanSummary;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What planning found of a job that is submitted.
 *
 * @param own of the job itself; null where nothing is known, and of a pipeline
 * @param steps of a pipeline's steps, by name, as far as they are known
 */
public record FoundPlans(@Nullable PlanSummary own, Map<String, PlanSummary> steps) {

    public static final FoundPlans NONE = new FoundPlans(null, Map.of());

    public FoundPlans {
        steps = Map.copyOf(steps);
    }
}
