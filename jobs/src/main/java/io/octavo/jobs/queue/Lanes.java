package io.octavo.jobs.queue;

import io.octavo.jobs.spec.Requirements;
import io.octavo.wire.JobView.Waiting;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Puts jobs into lanes by what they ask of a worker, and tells why one that is queued does not run yet. */
@Component
@Transactional(propagation = Propagation.MANDATORY)
class Lanes {

    /** The lane of what no worker may take: pipelines, and steps that wait for others. */
    static final int NOBODY = -1;

    private static final int MOST_AHEAD = 1000;
    private static final TypeReference<Map<String, String>> LABELS = new TypeReference<>() {};

    private final LaneRepository lanes;
    private final JsonMapper json;
    private final QueueProperties properties;

    Lanes(LaneRepository lanes, JsonMapper json, QueueProperties properties) {
        this.lanes = lanes;
        this.json = json;
        this.properties = properties;
    }

    /** The lane of jobs with these requirements, made if it is new. */
    int of(Requirements asked) {
        if (asked.equals(Requirements.NONE)) {
            return 0;
        }
        String labels = asked.labelsJson().toString();
        lanes.insertIfAbsent(asked.deviceKind(), asked.deviceMemoryBytes(), asked.computeCapability(), labels);
        return lanes.find(asked.deviceKind(), asked.deviceMemoryBytes(), asked.computeCapability(), labels);
    }

    /**
     * Why these jobs wait.
     *
     * @param queued ids of queued jobs
     */
    Map<UUID, Waiting> reasons(Collection<UUID> queued) {
        if (queued.isEmpty()) {
            return Map.of();
        }
        return lanes.outlooks(queued, properties.workerTimeoutSeconds(), properties.runningLimit(), MOST_AHEAD).stream()
                .collect(Collectors.toMap(LaneRepository.Outlook::jobId, this::reason));
    }

    /** How many jobs wait for what. */
    List<LaneRepository.Depth> depths() {
        return lanes.depths(properties.workerTimeoutSeconds(), properties.runningLimit());
    }

    /** The first that holds: what no other one could hide. */
    private Waiting reason(LaneRepository.Outlook outlook) {
        if (outlook.resting()) {
            return new Waiting("resting", "next attempt at " + outlook.availableAt());
        }
        if (outlook.workers() == 0) {
            return new Waiting("no-worker", "no worker is running");
        }
        if (outlook.suitable() == 0) {
            return new Waiting(
                    "no-suitable-worker",
                    "no worker has " + requirements(outlook) + "; " + counted(outlook.workers(), "worker")
                            + " running");
        }
        if (outlook.diskBytes() > outlook.freeDiskBytes()) {
            return new Waiting(
                    "no-disk",
                    "it needs " + outlook.diskBytes()
                            + " bytes of a worker's disk; the most that one has for a job is "
                            + outlook.freeDiskBytes());
        }
        if (outlook.running() >= outlook.maxRunning()) {
            return new Waiting("quota", "quota of " + counted(outlook.maxRunning(), "running job") + " reached");
        }
        if (outlook.ahead() > 0) {
            String count =
                    outlook.ahead() == MOST_AHEAD ? MOST_AHEAD + " jobs or more" : counted(outlook.ahead(), "job");
            return new Waiting("jobs-ahead", count + " ahead");
        }
        return new Waiting("workers-busy", "next in line for one of " + counted(outlook.suitable(), "suitable worker"));
    }

    private Requirements requirements(LaneRepository.Outlook outlook) {
        return new Requirements(
                outlook.deviceKind(),
                outlook.deviceMemoryBytes(),
                outlook.computeCapability(),
                json.readValue(outlook.labels(), LABELS));
    }

    private static String counted(long count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }
}
