/**
 * How good a model is: perplexity, multiple choice, and how far it is from another one.
 *
 * <p>Entry class: {@link io.octavo.engine.evaluate.Evaluator}.
 */
@NullMarked
package io.octavo.engine.evaluate;

import org.jspecify.annotations.NullMarked;
