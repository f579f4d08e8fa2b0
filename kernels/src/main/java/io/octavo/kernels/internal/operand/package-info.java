/**
 * What the checks of operations are made of.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.operand.Operands}. Below the operations, which check what they are given.
 */
@NullMarked
package io.octavo.kernels.internal.operand;

import org.jspecify.annotations.NullMarked;
