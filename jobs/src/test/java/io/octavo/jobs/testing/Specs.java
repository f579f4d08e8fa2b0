package io.octavo.jobs.testing;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.Requirements;
import io.octavo.jobs.spec.Scheduling;
import io.octavo.jobs.spec.SourceUri;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Specs of jobs that ask for little. */
public final class Specs {

    private Specs() {}

    /** One scheme for everything, without data. */
    public static QuantizeSpec quantize(String source, String target, List<String> ignore, int priority) {
        return new QuantizeSpec(
                SourceUri.parse(source),
                "FP8_DYNAMIC",
                RepositoryName.parse(target),
                QuantizeSpec.DEFAULT_LAYOUT,
                ignore,
                List.of(),
                Optional.empty(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                "auto",
                true,
                scheduling(priority));
    }

    public static Scheduling scheduling(int priority) {
        return Scheduling.untimed(priority, Requirements.NONE, Map.of());
    }
}
