/**
 * Which scales rounding costs least under, on a host: what {@link io.octavo.kernels.quantization.ScaleSearch} is made of there.
 *
 * <p>Entry classes: {@link io.octavo.kernels.scale.ScaleSweep}, which tries scales, and {@link
 * io.octavo.kernels.scale.RowTiles}, which tells what one costs. How far a search goes is left to who asks for it.
 */
@NullMarked
package io.octavo.kernels.scale;

import org.jspecify.annotations.NullMarked;
