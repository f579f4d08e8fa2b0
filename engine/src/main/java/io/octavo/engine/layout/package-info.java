/**
 * How a quantized model is spelled on disk: members of the config and names of tensors, written and read.
 *
 * <p>Entry classes: {@link io.octavo.engine.layout.QuantizedLayouts} reads what any known layout holds, {@link
 * io.octavo.engine.layout.LayoutWriters} gives the writer of one. What configs say is read in {@code config}, how weights are stored in {@code codec}.
 * Reading refuses everything that it does not understand, because loaders turn a misread config into garbage without an
 * error. Rounding is left to {@code engine.quantize}.
 */
@NullMarked
package io.octavo.engine.layout;

import org.jspecify.annotations.NullMarked;
