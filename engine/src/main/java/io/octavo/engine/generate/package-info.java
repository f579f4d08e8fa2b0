/**
 * Text from a model.
 *
 * <p>Entry class: {@link io.octavo.engine.generate.Generator}.
 */
@NullMarked
package io.octavo.engine.generate;

import org.jspecify.annotations.NullMarked;
