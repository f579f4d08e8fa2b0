/**
 * Launchers of attention, its cache and rotary positions.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.attention.CudaAttention}.
 */
@NullMarked
package io.octavo.kernels.internal.cuda.attention;

import org.jspecify.annotations.NullMarked;
