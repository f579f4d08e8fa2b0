/**
 * Brings inputs to local disk: from repositories, buckets and allowed folders into a bounded cache by SHA-256, and from
 * there into the folder of a job.
 *
 * <p>Entry class: {@link io.octavo.worker.source.SourceResolver}.
 */
@NullMarked
package io.octavo.worker.source;

import org.jspecify.annotations.NullMarked;
