/**
 * The fast operations of the processor: Vector API kernels over native memory, split over a fixed set of threads.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.vector.VectorOperations}. Results do not depend on the number of
 * threads: each output element is computed by one thread, in an order that follows from shapes. Floats are never
 * reduced with {@code reduceLanes(ADD)}, whose order may differ between interpreted and compiled code.
 *
 * <p>Classes here link only where the module {@code jdk.incubator.vector} is present. Slow twins of every operation lie
 * in the scalar package.
 */
@NullMarked
package io.octavo.kernels.internal.vector;

import org.jspecify.annotations.NullMarked;
