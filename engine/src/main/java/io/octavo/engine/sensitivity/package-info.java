/**
 * What rounding costs each module of a model, and which scheme each gets within a budget of bits.
 *
 * <p>Entry class: {@link io.octavo.engine.sensitivity.MixedPrecision}. What becomes of the choice is left to {@code quantize}.
 */
@NullMarked
package io.octavo.engine.sensitivity;

import org.jspecify.annotations.NullMarked;
