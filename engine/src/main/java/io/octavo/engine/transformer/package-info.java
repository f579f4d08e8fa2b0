/**
 * The forward pass of a decoder-only transformer on a backend, over a paged key-value cache.
 *
 * <p>Entry class: {@link io.octavo.engine.transformer.Transformer}. It runs plain and quantized checkpoints alike; what
 * is done with the logits is left to {@code evaluate} and {@code generate}.
 */
@NullMarked
package io.octavo.engine.transformer;

import org.jspecify.annotations.NullMarked;
