/**
 * The slow, obvious twin of every operation: one element at a time, bounds-checked, in one thread.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.scalar.ScalarOperations}. It is the reference that faster backends
 * are compared with, and what runs where the Vector API module is missing.
 */
@NullMarked
package io.octavo.kernels.internal.scalar;

import org.jspecify.annotations.NullMarked;
