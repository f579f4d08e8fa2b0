/**
 * Looks at a job before it is queued: its sources' headers, read by parts from where they lie.
 *
 * <p>Entry class: {@link io.octavo.api.plan.JobPreFlight}. What a checkpoint can become is the engine's to say.
 */
@NullMarked
package io.octavo.api.plan;

import org.jspecify.annotations.NullMarked;
