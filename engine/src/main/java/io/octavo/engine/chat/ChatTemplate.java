package io.octavo.engine.chat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The chat template of a checkpoint, in chat_template.jinja, chat_templates/ or tokenizer_config.json.
 *
 * <p>Files are read, and the interpreter is started, when the first chat is rendered. Safe for use by several threads, which
 * take turns.
 */
public final class ChatTemplate implements AutoCloseable {

    private static final String WITH_TOOLS = "tool_use";

    private final Checkpoint checkpoint;
    private final RenderLimits limits;
    private @Nullable Map<String, String> templates;
    private Map<String, JsonNode> specialTokens = Map.of();
    private @Nullable JinjaSandbox sandbox;

    ChatTemplate(Checkpoint checkpoint, RenderLimits limits) {
        this.checkpoint = checkpoint;
        this.limits = limits;
    }

    /** @param checkpoint borrowed */
    public static ChatTemplate of(Checkpoint checkpoint) {
        return new ChatTemplate(checkpoint, RenderLimits.DEFAULT);
    }

    /**
     * The chat as a text with all special tokens in it: nothing is to be put before it.
     *
     * @throws QuantizationException {@code chat-template-missing}, {@code chat-template-failed} (the message has what the
     *     template itself says, if it refuses the chat), {@code chat-template-exceeded} or
     *     {@code chat-template-unavailable}
     */
    public synchronized String render(Chat chat) {
        if (templates == null) {
            specialTokens = TemplateFiles.specialTokens(checkpoint);
            templates = TemplateFiles.templates(checkpoint);
        }
        String template = choose(templates, chat.tools() != null);
        if (sandbox == null) {
            sandbox = new JinjaSandbox(limits);
        }
        try {
            String variables = chat.encode(specialTokens).toString();
            return sandbox.render(template, variables, format -> Strftime.format(chat.now(), format));
        } catch (RuntimeException e) {
            if (!(e instanceof QuantizationException known) || known.code() != ErrorCode.CHAT_TEMPLATE_FAILED) {
                close();
            }
            throw e;
        }
    }

    private static String choose(Map<String, String> templates, boolean tools) {
        String template =
                templates.get(tools && templates.containsKey(WITH_TOOLS) ? WITH_TOOLS : TemplateFiles.DEFAULT);
        if (template == null) {
            throw new QuantizationException(
                    ErrorCode.CHAT_TEMPLATE_MISSING,
                    templates.isEmpty()
                            ? "the model has no chat template, so that messages cannot become text"
                            : "the model has the chat templates " + templates.keySet()
                                    + ", of which none is the default");
        }
        return template;
    }

    /** Frees the interpreter; it starts again if it is needed. */
    @Override
    public synchronized void close() {
        if (sandbox != null) {
            sandbox.close();
            sandbox = null;
        }
    }
}
