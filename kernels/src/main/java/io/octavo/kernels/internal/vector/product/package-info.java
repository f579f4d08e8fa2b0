/**
 * Products on the processor's vector units.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.vector.product.VectorMatMul}.
 */
@NullMarked
package io.octavo.kernels.internal.vector.product;

import org.jspecify.annotations.NullMarked;
