/**
 * How quantized Linears lie in a checkpoint: which tensors there are, under which names, in which types and shapes; each way
 * is read and written by one codec.
 *
 * <p>Entry class: {@link io.octavo.engine.layout.codec.Codecs}, the list of all of them by layout and format. Which modules
 * are quantized is left to {@code engine.layout}, which numbers they hold to {@code engine.quantize}.
 */
@NullMarked
package io.octavo.engine.layout.codec;

import org.jspecify.annotations.NullMarked;
