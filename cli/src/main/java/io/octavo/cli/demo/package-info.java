/**
 * The main job from end to end, done through REST as any client would: push a model, quantize it, score it beside the
 * original, pull and verify the artifact.
 *
 * <p>Entry class: {@link io.octavo.cli.demo.Demo}. Starting a service to do it with is left to the {@code standalone}
 * module.
 */
@NullMarked
package io.octavo.cli.demo;

import org.jspecify.annotations.NullMarked;
