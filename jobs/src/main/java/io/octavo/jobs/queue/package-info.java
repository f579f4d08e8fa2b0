/**
 * The job aggregate, its append-only events, and the queue over them: claims with leases and fencing tokens by the
 * database's clock.
 *
 * <p>Entry classes: {@link io.octavo.jobs.queue.JobService} for clients, {@link io.octavo.jobs.queue.JobQueue} for
 * workers. What a job does is left to the worker module.
 */
@NullMarked
package io.octavo.jobs.queue;

import org.jspecify.annotations.NullMarked;
