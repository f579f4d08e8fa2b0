/**
 * Attention, its cache and rotary positions on the processor's vector units.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.vector.attention.VectorAttention}.
 */
@NullMarked
package io.octavo.kernels.internal.vector.attention;

import org.jspecify.annotations.NullMarked;
