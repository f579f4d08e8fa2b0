/**
 * Turns a checkpoint into a quantized one, a bounded number of rows at a time, and proves what it wrote.
 *
 * <p>Entry class: {@link io.octavo.engine.quantize.Quantizer}: plan ({@link io.octavo.engine.quantize.QuantizationPlan},
 * from headers alone), quantize into a hidden folder, verify by reading back, publish by one rename. How numbers are
 * rounded is left to the backend, how they are spelled on disk to {@code engine.layout}.
 */
@NullMarked
package io.octavo.engine.quantize;

import org.jspecify.annotations.NullMarked;
