/**
 * What can be said about a job before it runs: whether its inputs exist here, and how large they are.
 *
 * <p>Entry class: {@link io.octavo.jobs.plan.JobPlanner}. Sources outside this service are left to the worker.
 */
@NullMarked
package io.octavo.jobs.plan;

import org.jspecify.annotations.NullMarked;
