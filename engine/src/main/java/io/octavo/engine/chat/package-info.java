/**
 * Chats as the text that a model was trained on: the checkpoint's own Jinja template, rendered as transformers'
 * {@code apply_chat_template} does.
 *
 * <p>Entry class: {@link io.octavo.engine.chat.ChatTemplate}. A template is a stranger's code. The npm package
 * {@code @huggingface/jinja} interprets it inside GraalJS, which is loaded when the first template is rendered, can touch
 * nothing of this process, and is stopped at the bounds of {@link io.octavo.engine.chat.RenderLimits}. Tokens are left to
 * {@code tokenizer}.
 */
@NullMarked
package io.octavo.engine.chat;

import org.jspecify.annotations.NullMarked;
