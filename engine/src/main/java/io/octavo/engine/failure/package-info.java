/**
 * How the engine says that something cannot be done: a code that never changes, and a message that says what, where, actual
 * and allowed.
 *
 * <p>Entry class: {@link io.octavo.engine.failure.QuantizationException}. What a code is answered with over HTTP is left to
 * the {@code api}.
 */
@NullMarked
package io.octavo.engine.failure;

import org.jspecify.annotations.NullMarked;
