/**
 * A model that stays loaded, behind OpenAI's interface over HTTP.
 *
 * <p>Entry class: {@link io.octavo.worker.serve.ModelServer}. A servlet of its own takes the calls, so that any servlet
 * container can run it; the embedded one is Tomcat, as in the api. What calls say is {@code openai}'s to judge, and what is
 * computed when is the engine's scheduler's.
 */
@NullMarked
package io.octavo.worker.serve;

import org.jspecify.annotations.NullMarked;
