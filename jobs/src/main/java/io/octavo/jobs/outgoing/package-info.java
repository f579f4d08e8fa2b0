/**
 * Calls to addresses that users name, kept away from everything that is not the public internet.
 *
 * <p>Entry class: {@link io.octavo.jobs.outgoing.OutgoingHttp}.
 */
@NullMarked
package io.octavo.jobs.outgoing;

import org.jspecify.annotations.NullMarked;
