package io.octavo.jobs.worker;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A worker as the service knows it.
 *
 * @param offer what jobs may ask of it
 * @param disk null for a worker of a release that does not tell
 * @param alive whether it was seen lately, by the database's clock
 * @param jobId what it works on, if it is a job of who asks
 */
public record WorkerRecord(
        UUID id,
        String name,
        String host,
        String device,
        WorkerOffer offer,
        @Nullable WorkerDisk disk,
        String engineVersion,
        boolean alive,
        Instant startedAt,
        Instant lastSeenAt,
        @Nullable UUID jobId) {}
