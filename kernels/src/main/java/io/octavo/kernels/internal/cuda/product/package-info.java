/**
 * Launchers of products.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.product.Products}, the list of kernels that a product is chosen from. A
 * new kernel is a {@code ProductKernel} and a line in that list; the numbers of its .cu it reads from there.
 */
@NullMarked
package io.octavo.kernels.internal.cuda.product;

import org.jspecify.annotations.NullMarked;
