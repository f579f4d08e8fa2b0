/**
 * What else a forward pass and its judges compute: norms, activations, experts, sampling, losses.
 *
 * <p>Each operation is one interface with one implementation per backend and one contract test; several in one are
 * {@link io.octavo.kernels.operation.FusedSteps}.
 */
@NullMarked
package io.octavo.kernels.operation;

import org.jspecify.annotations.NullMarked;
