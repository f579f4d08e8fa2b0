/**
 * Which scales and zero points the tiles of a weight get before codes are solved under them.
 *
 * <p>Entry classes: {@link io.octavo.engine.solve.scale.WeightFormat}, what a weight's codes and scales can be, and {@link
 * io.octavo.engine.solve.scale.Reaches}, how far they are sought. The search itself is left to {@code
 * kernels.quantization.ScaleSearch}, what codes weights are rounded to then to {@code engine.solve}.
 */
@NullMarked
package io.octavo.engine.solve.scale;

import org.jspecify.annotations.NullMarked;
