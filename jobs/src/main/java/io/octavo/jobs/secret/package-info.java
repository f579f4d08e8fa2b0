/**
 * Secrets at rest: encrypted by a key of the operator's, never stored plain, never in a log.
 *
 * <p>Entry class: {@link io.octavo.jobs.secret.SecretBox}.
 */
@NullMarked
package io.octavo.jobs.secret;

import org.jspecify.annotations.NullMarked;
