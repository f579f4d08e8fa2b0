/**
 * Modules of a checkpoint by their names: what each one is, and patterns that match them.
 *
 * <p>Entry class: {@link io.octavo.engine.module.ModuleRole}. Nothing here looks at numbers.
 */
@NullMarked
package io.octavo.engine.module;

import org.jspecify.annotations.NullMarked;
