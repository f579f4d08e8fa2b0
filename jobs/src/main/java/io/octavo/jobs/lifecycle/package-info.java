/**
 * What works beside requests from the application's start to its end.
 *
 * <p>Entry class: {@link io.octavo.jobs.lifecycle.Restartable}, the base of each such component. What the work is belongs to the
 * packages of their subjects.
 */
@NullMarked
package io.octavo.jobs.lifecycle;

import org.jspecify.annotations.NullMarked;
