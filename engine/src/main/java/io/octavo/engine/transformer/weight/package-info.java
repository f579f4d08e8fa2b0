/**
 * Weights of a checkpoint on a backend, in forms that products take.
 *
 * <p>Entry class: {@link io.octavo.engine.transformer.weight.ModuleReader}, which finds modules by name. What multiplies with
 * them, and when, is left to the {@code transformer} package.
 */
@NullMarked
package io.octavo.engine.transformer.weight;

import org.jspecify.annotations.NullMarked;
