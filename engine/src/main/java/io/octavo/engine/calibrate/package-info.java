/**
 * Runs a model on data, layer by layer, to learn which activations occur.
 *
 * <p>Entry class: {@link io.octavo.engine.calibrate.Calibrator}. What becomes of the ranges is left to
 * {@code engine.quantize}.
 */
@NullMarked
package io.octavo.engine.calibrate;

import org.jspecify.annotations.NullMarked;
