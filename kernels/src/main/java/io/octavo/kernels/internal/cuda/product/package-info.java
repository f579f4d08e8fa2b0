/**
 * Launchers of products.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.product.CudaMatMul}, which chooses the kernel.
 */
@NullMarked
package io.octavo.kernels.internal.cuda.product;

import org.jspecify.annotations.NullMarked;
