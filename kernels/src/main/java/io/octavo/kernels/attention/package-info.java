/**
 * Attention, its cache of keys and values, and rotary positions.
 *
 * <p>Entry class: {@link io.octavo.kernels.attention.Attention}. Each operation is one interface with one implementation per backend
 * and one contract test.
 */
@NullMarked
package io.octavo.kernels.attention;

import org.jspecify.annotations.NullMarked;
