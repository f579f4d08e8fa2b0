/**
 * SHA-256, by which contents, keys and requests are known.
 *
 * <p>Entry class: {@link io.octavo.jobs.hash.Sha256}.
 */
@NullMarked
package io.octavo.jobs.hash;

import org.jspecify.annotations.NullMarked;
