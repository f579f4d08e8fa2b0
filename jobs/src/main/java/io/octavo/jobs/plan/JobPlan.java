package io.octavo.jobs.plan;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * @param spec with its defaults filled in
 * @param inputs sources and datasets, each once
 */
public record JobPlan(JsonNode spec, List<Input> inputs) {

    public JobPlan {
        inputs = List.copyOf(inputs);
    }

    /**
     * @param revision pinned now; absent for sources outside this service, as are the numbers
     * @param fileCount how many files it has
     */
    public record Input(
            String uri,
            @Nullable String revision,
            @Nullable Integer fileCount,
            @Nullable Long bytes) {}
}
