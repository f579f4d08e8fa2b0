/**
 * What a device offers: memory, streams and one implementation of every operation.
 *
 * <p>Entry class: {@link io.octavo.kernels.backend.Backend}. The same engine code drives a CPU or a GPU.
 */
@NullMarked
package io.octavo.kernels.backend;

import org.jspecify.annotations.NullMarked;
