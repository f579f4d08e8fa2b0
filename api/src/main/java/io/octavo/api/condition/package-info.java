/**
 * Entity tags, and requests that are made on condition.
 *
 * <p>Entry class: {@link io.octavo.api.condition.ConditionalCalls}, which every call of a controller goes through. That the
 * check and the change are one transaction is the business of {@link io.octavo.jobs.change.GuardedChange}.
 */
@NullMarked
package io.octavo.api.condition;

import org.jspecify.annotations.NullMarked;
