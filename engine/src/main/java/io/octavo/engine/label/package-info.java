/**
 * A checkpoint's honest name tag.
 *
 * <p>Entry class: {@link io.octavo.engine.label.Label}, computed from the written config alone and never from what was
 * asked for.
 */
@NullMarked
package io.octavo.engine.label;

import org.jspecify.annotations.NullMarked;
