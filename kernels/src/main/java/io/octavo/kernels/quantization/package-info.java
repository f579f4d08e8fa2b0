/**
 * Codes and scales from numbers, and what is measured to choose them.
 *
 * <p>Entry class: {@link io.octavo.kernels.quantization.QuantizeTiles}. Each operation is one interface with one implementation per
 * backend and one contract test.
 */
@NullMarked
package io.octavo.kernels.quantization;

import org.jspecify.annotations.NullMarked;
