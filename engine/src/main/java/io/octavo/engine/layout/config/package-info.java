/**
 * What quantization configs declare, read once for labels and for readers of layouts: strictly or leniently.
 *
 * <p>Entry class: {@link io.octavo.engine.layout.config.Declaration}. Each {@code quant_method} has a class that knows its
 * JSON. Which tensors belong to it is left to the packages beside this one.
 */
@NullMarked
package io.octavo.engine.layout.config;

import org.jspecify.annotations.NullMarked;
