package io.octavo.jobs.queue;

import java.util.UUID;

/**
 * Who claims.
 *
 * @param id new for every start of a worker, so that an earlier life of it is somebody else
 * @param name what people call it; may stay the same over restarts
 */
public record WorkerIdentity(UUID id, String name) {}
