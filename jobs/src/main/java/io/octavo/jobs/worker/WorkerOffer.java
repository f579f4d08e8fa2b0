package io.octavo.jobs.worker;

import java.util.Map;

/**
 * What a worker brings to a job; see {@link io.octavo.jobs.spec.Requirements} for the units.
 *
 * @param labels that the operator gave it
 */
public record WorkerOffer(
        String deviceKind, long deviceMemoryBytes, int computeCapability, Map<String, String> labels) {

    /** A processor and nothing else. */
    public static final WorkerOffer CPU = new WorkerOffer("cpu", 0, 0, Map.of());

    public WorkerOffer {
        labels = Map.copyOf(labels);
    }
}
