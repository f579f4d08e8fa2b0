package io.octavo.jobs.artifact;

import java.time.Instant;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/** @param result as the job's result has it */
public record EvaluationRecord(UUID id, UUID jobId, Instant createdAt, JsonNode result) {}
