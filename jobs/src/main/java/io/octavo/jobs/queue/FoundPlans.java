package io.octavo.jobs.queue;

import io.octavo.wire.PlanSummary;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What planning found of a job that is submitted.
 *
 * @param own of the job itself; of a pipeline nothing
 * @param steps of a pipeline's steps, by name
 */
public record FoundPlans(Found own, Map<String, Found> steps) {

    public static final FoundPlans NONE = new FoundPlans(Found.NOTHING, Map.of());

    public FoundPlans {
        steps = Map.copyOf(steps);
    }

    /**
     * Of one job.
     *
     * @param plan of a quantize job; null where nothing is known
     * @param diskBytes that it needs of a worker's disk; null where nobody knows
     */
    public record Found(
            @Nullable PlanSummary plan, @Nullable Long diskBytes) {

        static final Found NOTHING = new Found(null, null);
    }
}
