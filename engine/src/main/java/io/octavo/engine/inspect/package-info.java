/**
 * What a checkpoint is, without running it.
 *
 * <p>Entry class: {@link io.octavo.engine.inspect.Inspection}. The name tag itself is left to {@code engine.label}.
 */
@NullMarked
package io.octavo.engine.inspect;

import org.jspecify.annotations.NullMarked;
