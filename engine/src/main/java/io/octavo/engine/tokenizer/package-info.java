/**
 * Text to token ids and back, from a checkpoint's own tokenizer.json.
 *
 * <p>Entry class: {@link io.octavo.engine.tokenizer.Tokenizer}.
 */
@NullMarked
package io.octavo.engine.tokenizer;

import org.jspecify.annotations.NullMarked;
