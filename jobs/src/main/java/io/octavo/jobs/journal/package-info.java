/**
 * What a job keeps beyond an attempt: files that are listed for the job and lie in the blob store. They are written under
 * the lease of the present attempt alone, count for nobody's quota, and are nobody's artifacts.
 *
 * <p>Entry class: {@link io.octavo.jobs.journal.JobJournals}. Bytes of jobs that have ended are left to
 * {@link io.octavo.jobs.blob.BlobCollector}.
 */
@NullMarked
package io.octavo.jobs.journal;

import org.jspecify.annotations.NullMarked;
