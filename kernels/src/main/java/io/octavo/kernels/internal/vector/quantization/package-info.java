/**
 * Quantization and what is measured for it on the processor's vector units.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.vector.quantization.VectorQuantizeTiles}.
 */
@NullMarked
package io.octavo.kernels.internal.vector.quantization;

import org.jspecify.annotations.NullMarked;
