/**
 * Products of matrices, of plain numbers, codes with scales, and packed codes.
 *
 * <p>Entry class: {@link io.octavo.kernels.product.MatMul}. Each operation is one interface with one implementation per backend and
 * one contract test.
 */
@NullMarked
package io.octavo.kernels.product;

import org.jspecify.annotations.NullMarked;
