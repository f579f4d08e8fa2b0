/**
 * The {@code awq} and {@code gptq} layouts, read and written: integers in 32-bit words, transposed.
 */
@NullMarked
package io.octavo.engine.layout.integer;

import org.jspecify.annotations.NullMarked;
