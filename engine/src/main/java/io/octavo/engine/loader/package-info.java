/**
 * What loaders can take of a quantized checkpoint, known while it is planned: vLLM refuses some files that say what they
 * mean, and misreads others without a word.
 *
 * <p>Entry class: {@link io.octavo.engine.loader.SchemeFit}. What loaders make of a file that exists is told by {@code
 * engine.label}. The facts are in docs/checkpoint-formats.md, section 15.
 */
@NullMarked
package io.octavo.engine.loader;

import org.jspecify.annotations.NullMarked;
