package io.octavo.wire;

import java.time.Instant;
import tools.jackson.databind.JsonNode;

/**
 * Something that happened to a job. Ids of one job become visible in rising order.
 *
 * @param type {@code state}, {@code phase}, {@code progress}, {@code metric} or {@code log}; of a pipeline {@code state}
 *     or {@code step}
 */
public record EventRecord(long id, Instant at, String type, JsonNode data) {}
