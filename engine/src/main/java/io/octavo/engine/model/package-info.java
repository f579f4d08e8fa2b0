/**
 * Architectures as data: what a checkpoint's config says about layers, attention, position embedding and norms.
 *
 * <p>Entry class: {@link io.octavo.engine.model.Architectures}. Running the model is left to the {@code transformer}
 * package.
 */
@NullMarked
package io.octavo.engine.model;

import org.jspecify.annotations.NullMarked;
