/**
 * Deleting: what a call deletes is hidden at once, and its rows and bytes are collected after a time of grace. Old
 * revisions and jobs are deleted by themselves where somebody has said so.
 *
 * <p>Entry classes: {@link io.octavo.jobs.deletion.Deletions}, {@link io.octavo.jobs.deletion.Restorations}, {@link io.octavo.jobs.deletion.Collector}. Bytes are left to
 * {@link io.octavo.jobs.blob.BlobCollector}.
 */
@NullMarked
package io.octavo.jobs.deletion;

import org.jspecify.annotations.NullMarked;
