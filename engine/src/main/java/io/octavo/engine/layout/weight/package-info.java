/**
 * What a quantized module is once it is read, whatever its layout, and what readers and writers of several layouts share.
 *
 * <p>Entry classes: {@link io.octavo.engine.layout.weight.QuantizedModules} for reading, {@link
 * io.octavo.engine.layout.codec.LayoutWriter} for writing. What only one layout knows lies in that family's package.
 */
@NullMarked
package io.octavo.engine.layout.weight;

import org.jspecify.annotations.NullMarked;
