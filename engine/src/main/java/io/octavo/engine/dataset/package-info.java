/**
 * Texts and multiple-choice items to evaluate and calibrate on, read as hostile input.
 *
 * <p>Entry class: {@link io.octavo.engine.dataset.Datasets}. What is done with them is left to {@code evaluate} and
 * {@code calibrate}.
 */
@NullMarked
package io.octavo.engine.dataset;

import org.jspecify.annotations.NullMarked;
