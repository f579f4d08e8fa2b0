/**
 * What lies behind a source's URI: the files of repositories, buckets and allowed folders, readable whole or by parts.
 *
 * <p>Entry class: {@link io.octavo.jobs.source.SourceCatalog}. Bringing files to local disk is left to the worker.
 */
@NullMarked
package io.octavo.jobs.source;

import org.jspecify.annotations.NullMarked;
