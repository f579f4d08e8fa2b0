/**
 * Codes that are solved for instead of rounded to, so that a Linear's output on data changes least.
 *
 * <p>Entry class: {@link io.octavo.engine.solve.InputSolver}, which takes what was seen of an input and gives the codes of the
 * Linears that read it. Where scales come from is left to {@code engine.solve.scale}, what enters layers to
 * {@code engine.calibrate}.
 */
@NullMarked
package io.octavo.engine.solve;

import org.jspecify.annotations.NullMarked;
