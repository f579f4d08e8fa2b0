/**
 * What every backend shares: the checks that an operation makes before it touches memory.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.Operands}. Not for other modules.
 */
@NullMarked
package io.octavo.kernels.internal;

import org.jspecify.annotations.NullMarked;
