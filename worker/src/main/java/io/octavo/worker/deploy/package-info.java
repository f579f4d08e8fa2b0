/**
 * Deployments as a worker has them: a job that lasts as long as the model is wanted.
 *
 * <p>Entry class: {@link io.octavo.worker.deploy.ServeJobRunner}. How calls are answered is left to {@code serve}, and whose
 * calls they are to the api, which alone knows the way here.
 */
@NullMarked
package io.octavo.worker.deploy;

import org.jspecify.annotations.NullMarked;
