/**
 * Lets clients send bytes without a key: for a while, for one tenant, and of one hash alone.
 *
 * <p>Entry class: {@link io.octavo.jobs.upload.UploadTickets}.
 */
@NullMarked
package io.octavo.jobs.upload;

import org.jspecify.annotations.NullMarked;
