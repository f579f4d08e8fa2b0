/**
 * The forward pass of a decoder-only transformer on a backend, over a paged key-value cache.
 *
 * <p>Entry classes: {@link io.octavo.engine.transformer.Transformer}, all layers of which are on the device, and
 * {@link io.octavo.engine.transformer.LayerStream}, one at a time. Both run plain and quantized checkpoints alike; what is
 * done with logits and activations is left to {@code evaluate}, {@code generate} and {@code calibrate}.
 */
@NullMarked
package io.octavo.engine.transformer;

import org.jspecify.annotations.NullMarked;
