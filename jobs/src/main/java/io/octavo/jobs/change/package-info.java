/**
 * Changes that are made on condition.
 *
 * <p>Entry class: {@link io.octavo.jobs.change.GuardedChange}. What the conditions are is the caller's business.
 */
@NullMarked
package io.octavo.jobs.change;

import org.jspecify.annotations.NullMarked;
