package io.octavo.jobs.plan;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * @param spec with its defaults filled in
 * @param inputs sources and datasets, each once
 * @param contents bytes of the inputs' files that lie in this service, by SHA-256: what has equal bytes is there once
 */
public record JobPlan(JsonNode spec, List<Input> inputs, Map<String, Long> contents) {

    public JobPlan {
        inputs = List.copyOf(inputs);
        contents = Map.copyOf(contents);
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
