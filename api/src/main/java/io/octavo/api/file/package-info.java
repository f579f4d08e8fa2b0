/**
 * Bytes of blobs over HTTP: ranges, entity tags, conditional requests.
 *
 * <p>Entry class: {@link io.octavo.api.file.BlobDownload}.
 */
@NullMarked
package io.octavo.api.file;

import org.jspecify.annotations.NullMarked;
