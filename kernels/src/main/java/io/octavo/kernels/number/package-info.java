/**
 * Number formats: how many bytes, which values, how they round.
 *
 * <p>Entry class: {@link io.octavo.kernels.number.DType} for what a matrix holds, {@link io.octavo.kernels.number.CodeFormat} for
 * what a number is quantized to.
 */
@NullMarked
package io.octavo.kernels.number;

import org.jspecify.annotations.NullMarked;
