/**
 * The {@code fp8} layout, read and written: scales per tensor as AutoFP8 wrote them, or blocks as DeepSeek does.
 */
@NullMarked
package io.octavo.engine.layout.fp8;

import org.jspecify.annotations.NullMarked;
