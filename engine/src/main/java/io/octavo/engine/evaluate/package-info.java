/**
 * How good a model is: perplexity and multiple choice.
 *
 * <p>Entry class: {@link io.octavo.engine.evaluate.Evaluator}.
 */
@NullMarked
package io.octavo.engine.evaluate;

import org.jspecify.annotations.NullMarked;
