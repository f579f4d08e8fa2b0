/**
 * The trace of a request beyond its answer: it is kept with the job, and the worker goes on with it.
 *
 * <p>Entry class: {@link io.octavo.jobs.trace.Traceparent}. Spans are made where the work is; how they leave the process
 * is configuration.
 */
@NullMarked
package io.octavo.jobs.trace;

import org.jspecify.annotations.NullMarked;
