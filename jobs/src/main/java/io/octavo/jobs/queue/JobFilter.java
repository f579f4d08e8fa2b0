package io.octavo.jobs.queue;

import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.wire.JobStatus;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Which jobs a listing shows.
 *
 * @param labels all of which a job must have
 * @param parent a pipeline, whose steps are shown alone
 */
public record JobFilter(
        Optional<JobStatus> status, Optional<String> type, Map<String, String> labels, Optional<UUID> parent) {

    public static final JobFilter ALL = new JobFilter(Optional.empty(), Optional.empty(), Map.of(), Optional.empty());

    public JobFilter {
        labels = Map.copyOf(labels);
    }

    /** @throws IllegalArgumentException if no job has such a type */
    public static String type(String text) {
        List<String> types = Stream.concat(JobSpec.types().stream(), Stream.of(ServeSpec.TYPE))
                .toList();
        if (!types.contains(text)) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not allowed; allowed are " + String.join(", ", types));
        }
        return text;
    }

    /**
     * Labels as listings are asked for them.
     *
     * @param texts each {@code name:value}
     * @throws IllegalArgumentException if one is not, or two name one label
     */
    public static Map<String, String> labels(List<String> texts) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (String text : texts) {
            int colon = text.indexOf(':');
            if (colon <= 0 || colon == text.length() - 1 || text.indexOf('\0') >= 0) {
                throw new IllegalArgumentException("must be name:value");
            }
            if (labels.put(text.substring(0, colon), text.substring(colon + 1)) != null) {
                throw new IllegalArgumentException("must not name a label twice: " + text.substring(0, colon));
            }
        }
        return labels;
    }
}
