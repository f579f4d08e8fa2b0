/**
 * What is stored for a quantized model, as data: number types, granularities, weights and inputs.
 *
 * <p>Entry class: {@link io.octavo.engine.scheme.Scheme}, with the presets by the field's names. How a scheme is
 * spelled on disk is left to {@code engine.layout}, which modules it applies to and how numbers are rounded to
 * {@code engine.quantize}.
 */
@NullMarked
package io.octavo.engine.scheme;

import org.jspecify.annotations.NullMarked;
