/**
 * Tensor operations over shapes and number types; nothing here knows what a model is.
 *
 * <p>Entry class: {@link io.octavo.kernels.Backends}, which opens a {@link io.octavo.kernels.backend.Backend}. Numbers, memory and
 * operations have packages of their own, below; what computes them lies in {@code internal}. Checkpoints, schemes and
 * transformers are left to the {@code engine} module.
 */
@NullMarked
package io.octavo.kernels;

import org.jspecify.annotations.NullMarked;
