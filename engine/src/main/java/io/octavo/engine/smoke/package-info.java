/**
 * A first look at what a quantized model says, without a person: a fixed set of prompts through it and through the model that
 * it was made of, and a verdict.
 *
 * <p>Entry class: {@link io.octavo.engine.smoke.SmokeInference}. Both models are served by {@code serve}, with the kernels and
 * the cache that callers get; how good the model is, is left to {@code evaluate}.
 */
@NullMarked
package io.octavo.engine.smoke;

import org.jspecify.annotations.NullMarked;
