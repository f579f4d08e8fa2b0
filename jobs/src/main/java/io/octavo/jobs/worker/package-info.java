/**
 * Which workers exist, what they can do, and when they were last seen.
 *
 * <p>Entry class: {@link io.octavo.jobs.worker.WorkerRegistry}.
 */
@NullMarked
package io.octavo.jobs.worker;

import org.jspecify.annotations.NullMarked;
