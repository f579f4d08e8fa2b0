/**
 * The life of a claim: the loop that asks for jobs, the heartbeats that keep a lease, and what is told to the queue in
 * the end.
 *
 * <p>Entry class: {@link io.octavo.worker.claim.WorkerLoop}. What a job does is left to {@code worker.run}.
 */
@NullMarked
package io.octavo.worker.claim;

import org.jspecify.annotations.NullMarked;
