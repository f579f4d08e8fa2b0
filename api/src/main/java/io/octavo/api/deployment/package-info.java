/**
 * Models that are served: what there is, what is to be, what is to stop.
 *
 * <p>Entry class: {@code DeploymentController}. Calls of what they answer are {@code io.octavo.api.serve}'s to carry.
 */
@NullMarked
package io.octavo.api.deployment;

import org.jspecify.annotations.NullMarked;
