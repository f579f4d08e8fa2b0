/**
 * Bytes in S3: a thin typed client ({@link io.octavo.jobs.blob.ObjectStore}) and, over it, content-addressed blobs.
 *
 * <p>Entry class: {@link io.octavo.jobs.blob.BlobStore}. Names of files are left to repositories and artifacts.
 */
@NullMarked
package io.octavo.jobs.blob;

import org.jspecify.annotations.NullMarked;
