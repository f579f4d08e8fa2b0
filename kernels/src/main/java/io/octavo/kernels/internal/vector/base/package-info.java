/**
 * What vector operations stand on: native memory, lanes of floats, and a fixed set of threads.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.vector.base.Native}, {@link io.octavo.kernels.internal.vector.base.WorkerPool}.
 */
@NullMarked
package io.octavo.kernels.internal.vector.base;

import org.jspecify.annotations.NullMarked;
