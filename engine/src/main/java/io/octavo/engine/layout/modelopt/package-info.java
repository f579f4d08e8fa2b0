/**
 * The {@code modelopt} layout, read and written: FP8 and NVFP4 with scales that multiply.
 */
@NullMarked
package io.octavo.engine.layout.modelopt;

import org.jspecify.annotations.NullMarked;
