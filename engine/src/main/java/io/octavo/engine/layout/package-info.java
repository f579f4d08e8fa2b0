/**
 * How a quantized model is spelled on disk: members of the config and names of tensors, written and read.
 *
 * <p>Entry class: {@link io.octavo.engine.layout.CompressedTensors}. Reading refuses everything that it does not
 * understand, because loaders turn a misread config into garbage without an error. Rounding is left to
 * {@code engine.quantize}.
 */
@NullMarked
package io.octavo.engine.layout;

import org.jspecify.annotations.NullMarked;
