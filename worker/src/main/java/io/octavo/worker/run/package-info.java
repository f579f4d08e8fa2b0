/**
 * What each type of job does: resolve inputs, call the engine, store what came out, commit.
 *
 * <p>Entry class: {@link io.octavo.worker.run.JobRunners}.
 */
@NullMarked
package io.octavo.worker.run;

import org.jspecify.annotations.NullMarked;
