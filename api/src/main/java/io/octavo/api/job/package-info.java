/**
 * Jobs and their events, as pages and as a stream.
 *
 * <p>Entry class: {@code JobController}.
 */
@NullMarked
package io.octavo.api.job;

import org.jspecify.annotations.NullMarked;
