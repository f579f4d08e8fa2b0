/**
 * Writes a quantized checkpoint in another layout, number by number: nothing is rounded again, and what the other layout
 * cannot hold exactly is refused.
 *
 * <p>Entry class: {@link io.octavo.engine.convert.Converter}. How layouts are spelled is left to {@code engine.layout}.
 */
@NullMarked
package io.octavo.engine.convert;

import org.jspecify.annotations.NullMarked;
