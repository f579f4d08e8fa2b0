package io.octavo.engine.chat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * What a checkpoint's files say of chats, in the order of transformers: files of templates hide those of
 * tokenizer_config.json.
 */
final class TemplateFiles {

    static final String DEFAULT = "default";

    private static final String CONFIG = "tokenizer_config.json";
    private static final String FILE = "chat_template.jinja";
    private static final Path FOLDER = Path.of("chat_templates");
    private static final String ENDING = ".jinja";

    /** The longest published template has less than 100 KB. */
    private static final long MOST_BYTES = 1 << 20;

    private static final List<String> SPECIAL_TOKENS =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    private TemplateFiles() {}

    /** Templates by name; a single one is called {@link #DEFAULT}. */
    static Map<String, String> templates(Checkpoint checkpoint) {
        var templates = new LinkedHashMap<String, String>();
        for (Path file : checkpoint.sideFiles()) {
            String name = file.getFileName().toString();
            if (file.equals(Path.of(FILE))) {
                templates.put(DEFAULT, read(checkpoint, file));
            } else if (FOLDER.equals(file.getParent()) && name.endsWith(ENDING)) {
                templates.put(name.substring(0, name.length() - ENDING.length()), read(checkpoint, file));
            }
        }
        return templates.isEmpty() ? ofConfig(config(checkpoint).path("chat_template")) : templates;
    }

    private static Map<String, String> ofConfig(JsonNode member) {
        var templates = new LinkedHashMap<String, String>();
        if (member.isString()) {
            templates.put(DEFAULT, member.stringValue());
        }
        if (member.isArray()) {
            for (JsonNode named : member) {
                templates.put(text(named.path("name")), text(named.path("template")));
            }
        }
        return templates;
    }

    private static String text(JsonNode node) {
        if (!node.isString()) {
            throw invalid(CONFIG + ": a chat_template needs a name and a template, both strings", null);
        }
        return node.stringValue();
    }

    private static String read(Checkpoint checkpoint, Path file) {
        try {
            Path real = checkpoint.sideFile(file);
            if (Files.size(real) > MOST_BYTES) {
                throw invalid(file + " has more than " + MOST_BYTES + " bytes", null);
            }
            return Files.readString(real);
        } catch (CharacterCodingException e) {
            throw invalid(file + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static JsonNode config(Checkpoint checkpoint) {
        return checkpoint.sideConfig(CONFIG).map(ConfigJson::tree).orElse(MissingNode.getInstance());
    }

    private static QuantizationException invalid(String message, @Nullable Throwable cause) {
        return new QuantizationException(ErrorCode.CHAT_TEMPLATE_FAILED, message, cause);
    }

    /** The tokens that templates know by name: strings, or objects with the string as {@code content}. */
    static Map<String, JsonNode> specialTokens(Checkpoint checkpoint) {
        JsonNode config = config(checkpoint);
        var tokens = new LinkedHashMap<String, JsonNode>();
        for (String name : SPECIAL_TOKENS) {
            JsonNode token = config.path(name);
            JsonNode text = token.isObject() ? token.path("content") : token;
            if (text.isString()) {
                tokens.put(name, text);
            }
        }
        return tokens;
    }
}
