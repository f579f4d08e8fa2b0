/**
 * One try at a job: where it reports and learns that it should stop, and the local folders that it works in.
 *
 * <p>Entry class: {@link io.octavo.worker.attempt.Attempt}.
 */
@NullMarked
package io.octavo.worker.attempt;

import org.jspecify.annotations.NullMarked;
