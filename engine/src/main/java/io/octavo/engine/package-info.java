/**
 * The quantization library: reads a checkpoint, quantizes it, verifies it, scores it and generates text with it.
 *
 * <p>Entry class: {@link io.octavo.engine.Engine}. It knows no Spring, database, object store or HTTP, so that it also
 * serves as a plain library; what a job is and where files come from is left to the {@code worker} module.
 */
@NullMarked
package io.octavo.engine;

import org.jspecify.annotations.NullMarked;
