/**
 * A model in the folder layout of Hugging Face: config.json, safetensors in one or many shards, side files.
 *
 * <p>Entry class: {@link io.octavo.engine.checkpoint.Checkpoint}. Reading takes every file for hostile; writing plans
 * shards and the index. What a tensor means is left to {@code engine.model} and {@code engine.layout}.
 */
@NullMarked
package io.octavo.engine.checkpoint;

import org.jspecify.annotations.NullMarked;
