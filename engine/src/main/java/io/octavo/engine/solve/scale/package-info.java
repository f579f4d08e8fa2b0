/**
 * Which scales and zero points the tiles of a weight get before codes are solved under them.
 *
 * <p>Entry class: {@link io.octavo.engine.solve.scale.ScaleSource}; the best are {@link
 * io.octavo.engine.solve.scale.SearchedScales}. What codes they are rounded to is left to
 * {@code engine.solve}.
 */
@NullMarked
package io.octavo.engine.solve.scale;

import org.jspecify.annotations.NullMarked;
