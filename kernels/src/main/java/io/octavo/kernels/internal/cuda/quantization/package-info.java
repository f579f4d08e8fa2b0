/**
 * Launchers of quantization and of what is measured for it.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.quantization.CudaQuantizeTiles}.
 */
@NullMarked
package io.octavo.kernels.internal.cuda.quantization;

import org.jspecify.annotations.NullMarked;
