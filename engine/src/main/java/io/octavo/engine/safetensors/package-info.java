/**
 * The safetensors file format: one header, then the bytes of every tensor without holes.
 *
 * <p>Entry classes: {@link io.octavo.engine.safetensors.SafetensorsFile} reads (memory-mapped, every header taken for
 * hostile), {@link io.octavo.engine.safetensors.SafetensorsWriter} writes in the order of the reference implementation.
 * Which files make a checkpoint is left to {@code engine.checkpoint}.
 */
@NullMarked
package io.octavo.engine.safetensors;

import org.jspecify.annotations.NullMarked;
