/**
 * Memory and streams of the backends that compute on the processor.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.host.HostBackend}, which takes its operations from the scalar or
 * the vector package. A stream runs its operations in the calling thread, so its order is program order.
 */
@NullMarked
package io.octavo.kernels.internal.host;

import org.jspecify.annotations.NullMarked;
