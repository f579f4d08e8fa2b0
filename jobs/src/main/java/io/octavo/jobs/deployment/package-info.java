/**
 * Models that are served: jobs of type {@code serve} with a name and a place where the attempt that holds the job answers.
 *
 * <p>Entry class: {@link io.octavo.jobs.deployment.Deployments}. Claims, leases, attempts, cancellation and recovery are the
 * queue's; who may call a deployment, and how calls reach it, is the api's to say.
 */
@NullMarked
package io.octavo.jobs.deployment;

import org.jspecify.annotations.NullMarked;
