package io.octavo.cli.client;

import io.octavo.wire.JobStatus;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Something that happened to a job.
 *
 * @param id grows with every event of the service; a follower resumes after the last one it saw
 */
public record JobEvent(long id, Detail detail) {

    /** What happened. */
    public sealed interface Detail {}

    public record State(JobStatus status, int attempt) implements Detail {}

    public record Phase(String phase) implements Detail {}

    /** @param progress share of the work done, 0 to 1 */
    public record Progress(double progress) implements Detail {}

    public record Metric(String name, double value) implements Detail {}

    public record Log(String line) implements Detail {}

    /** The event that the wire shows as {@code type} and {@code data}; empty for a type that a newer server may send. */
    static Optional<JobEvent> of(long id, String type, JsonNode data) {
        Optional<Detail> detail = switch (type) {
            case "state" ->
                Optional.of(new State(
                        JobStatus.valueOf(data.path("status").asString()),
                        data.path("attempt").asInt(0)));
            case "phase" -> Optional.of(new Phase(data.path("phase").asString("")));
            case "progress" -> Optional.of(new Progress(data.path("progress").asDouble(0)));
            case "metric" ->
                Optional.of(new Metric(
                        data.path("name").asString(""), data.path("value").asDouble(Double.NaN)));
            case "log" -> Optional.of(new Log(data.path("line").asString("")));
            default -> Optional.empty();
        };
        return detail.map(known -> new JobEvent(id, known));
    }
}
