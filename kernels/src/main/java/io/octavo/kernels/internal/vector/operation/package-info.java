/**
 * All other operations on the processor's vector units, one class an operation.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.vector.operation.VectorRmsNorm}, as an example of one.
 */
@NullMarked
package io.octavo.kernels.internal.vector.operation;

import org.jspecify.annotations.NullMarked;
