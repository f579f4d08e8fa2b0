/**
 * Tensor operations over shapes and number types; nothing here knows what a model is.
 *
 * <p>Entry class: {@link io.octavo.kernels.Backend}. Each operation is one interface with one implementation per
 * backend and one contract test; memory is held in {@link io.octavo.kernels.DeviceBuffer}s and work is ordered by
 * {@link io.octavo.kernels.Stream}s, so that the same engine code drives a CPU or a GPU. Checkpoints, schemes and
 * transformers are left to the {@code engine} module.
 */
@NullMarked
package io.octavo.kernels;

import org.jspecify.annotations.NullMarked;
