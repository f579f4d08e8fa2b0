/**
 * OpenAI's interface to language models, as its public reference has it: requests read from JSON and judged, answers as
 * records.
 *
 * <p>Entry classes: {@link io.octavo.worker.openai.CompletionCall} and {@link io.octavo.worker.openai.ChatCall}. Fields
 * that are not known are passed over, since clients of many servers send theirs; a field that is known and cannot be done is
 * refused, never passed over. How requests arrive and who computes the answers is left to {@code serve}.
 */
@NullMarked
package io.octavo.worker.openai;

import org.jspecify.annotations.NullMarked;
