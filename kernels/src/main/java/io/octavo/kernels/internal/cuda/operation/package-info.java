/**
 * Launchers of all operations that are no product, attention or quantization.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.operation.CudaFusedSteps} for several in one, else one class an operation.
 */
@NullMarked
package io.octavo.kernels.internal.cuda.operation;

import org.jspecify.annotations.NullMarked;
