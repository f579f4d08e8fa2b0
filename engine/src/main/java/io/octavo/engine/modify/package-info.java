/**
 * What changes weights before they are rounded, one file each.
 *
 * <p>Entry class: {@link io.octavo.engine.modify.Modifier}. What data shows is gathered by {@code engine.calibrate}, what is
 * rounded and written is left to {@code engine.quantize}.
 */
@NullMarked
package io.octavo.engine.modify;

import org.jspecify.annotations.NullMarked;
