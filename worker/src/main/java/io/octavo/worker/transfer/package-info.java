/**
 * Brings and stores several files of a job at once.
 *
 * <p>Entry class: {@link io.octavo.worker.transfer.Transfers}.
 */
@NullMarked
package io.octavo.worker.transfer;

import org.jspecify.annotations.NullMarked;
