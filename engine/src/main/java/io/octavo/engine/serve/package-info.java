/**
 * Many texts at once from one model that stays loaded: a scheduler with continuous batching over the paged cache of keys and
 * values.
 *
 * <p>Entry classes: {@link io.octavo.engine.serve.ServedModel} for those who ask, {@link io.octavo.engine.serve.SchedulerLoop}
 * for how it is done. HTTP and its formats are left to others.
 */
@NullMarked
package io.octavo.engine.serve;

import org.jspecify.annotations.NullMarked;
