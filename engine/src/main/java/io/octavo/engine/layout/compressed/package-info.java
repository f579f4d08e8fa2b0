/**
 * The layout of the compressed-tensors library, read and written.
 *
 * <p>Entry class: {@link io.octavo.engine.layout.compressed.CompressedTensors}.
 */
@NullMarked
package io.octavo.engine.layout.compressed;

import org.jspecify.annotations.NullMarked;
