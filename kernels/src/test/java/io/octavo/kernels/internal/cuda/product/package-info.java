/** Which kernel computes which product. */
@org.jspecify.annotations.NullMarked
package io.octavo.kernels.internal.cuda.product;
