package io.octavo.engine.dataset;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads data to evaluate and calibrate on; every malformed line is an error that names it. */
public final class Datasets {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String LINES = ".jsonl";
    private static final int SHORTEST_LINE = "{\"text\":\"\"}\n".length();

    /** @param answer index into {@code choices} */
    public record Item(String context, List<String> choices, int answer) {}

    private Datasets() {}

    /** @param complete whether it holds all special tokens that it needs, as a rendered chat does */
    public record Text(String text, boolean complete) {}

    /**
     * The whole file as one text, or one text for each line of a .jsonl file: its member {@code text}, or the chat that its
     * {@code messages} are, with {@code tools} and {@code documents} where they are there.
     *
     * @param template of the model that is to read the texts
     * @throws QuantizationException a {@code DATASET_} or {@code CHAT_TEMPLATE_} code
     */
    public static List<Text> texts(Path file, ChatTemplate template) {
        if (!file.getFileName().toString().endsWith(LINES)) {
            return List.of(new Text(read(file), false));
        }
        List<Text> texts = new ArrayList<>();
        for (Line line : lines(file)) {
            boolean chat = line.node().has("messages") && !line.node().has("text");
            texts.add(chat ? new Text(render(line, template), true) : new Text(line.text("text"), false));
        }
        return texts;
    }

    private static String render(Line line, ChatTemplate template) {
        try {
            return template.render(Chat.ofRow(
                    line.node().path("messages"),
                    line.node().get("tools"),
                    line.node().get("documents")));
        } catch (IllegalArgumentException e) {
            throw line.invalid(String.valueOf(e.getMessage()));
        } catch (QuantizationException e) {
            throw new QuantizationException(e.code(), line.place() + e.getMessage(), e);
        }
    }

    /**
     * Looks at how a file begins; what comes behind shows when it is read.
     *
     * @param name as the reader is told it
     * @param head its first bytes, or all of them
     * @return how many texts it holds, or may hold where not all of it is there
     * @throws QuantizationException {@code DATASET_INVALID} if it is no text, or no lines of JSON though it is named so
     */
    public static long requireText(String name, long size, byte[] head) {
        boolean whole = head.length >= size;
        ByteBuffer bytes = ByteBuffer.wrap(head);
        CharBuffer characters = CharBuffer.allocate(head.length);
        if (StandardCharsets.UTF_8.newDecoder().decode(bytes, characters, whole).isError()) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID,
                    "dataset " + name + " is not UTF-8 text: its byte " + (bytes.position() + 1) + " is none of that");
        }
        String text = requireText(name, characters.flip().toString());
        if (whole && text.isBlank()) {
            throw new QuantizationException(ErrorCode.DATASET_INVALID, "dataset " + name + " has no text");
        }
        if (!name.endsWith(LINES)) {
            return 1;
        }
        List<Line> lines = lines(name, text.substring(0, whole ? text.length() : text.lastIndexOf('\n') + 1));
        return whole ? lines.size() : size / SHORTEST_LINE;
    }

    private static String requireText(String name, String text) {
        int zero = text.indexOf('\0');
        if (zero >= 0) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID,
                    "dataset " + name + " is no text: its character " + (zero + 1) + " is a zero");
        }
        return text;
    }

    /** Multiple-choice items, one a line: {@code context}, {@code choices}, {@code answer}. */
    public static List<Item> items(Path file, int limit) {
        List<Item> items = new ArrayList<>();
        for (Line line : lines(file)) {
            if (items.size() == limit) {
                break;
            }
            items.add(item(line));
        }
        return items;
    }

    private static Item item(Line line) {
        List<String> choices = new ArrayList<>();
        for (JsonNode choice : line.node().path("choices")) {
            if (!choice.isString() || choice.stringValue().isEmpty()) {
                throw line.invalid("choices must be non-empty strings");
            }
            choices.add(choice.stringValue());
        }
        JsonNode answer = line.node().path("answer");
        boolean valid = answer.isIntegralNumber()
                && answer.canConvertToInt()
                && answer.intValue() >= 0
                && answer.intValue() < choices.size();
        if (choices.size() < 2 || !valid) {
            throw line.invalid("needs at least 2 choices and an answer index among them, has " + choices.size()
                    + " choices and answer " + answer);
        }
        return new Item(line.text("context"), choices, answer.intValue());
    }

    private record Line(String file, int number, JsonNode node) {

        String text(String member) {
            JsonNode value = node.path(member);
            if (!value.isString()) {
                throw invalid(member + " must be a string");
            }
            return value.stringValue();
        }

        QuantizationException invalid(String why) {
            return new QuantizationException(ErrorCode.DATASET_INVALID, place() + why);
        }

        String place() {
            return file + " line " + number + ": ";
        }
    }

    private static List<Line> lines(Path file) {
        return lines(file.getFileName().toString(), read(file));
    }

    private static List<Line> lines(String file, String texts) {
        List<Line> lines = new ArrayList<>();
        int number = 0;
        for (String text : texts.split("\n", -1)) {
            number++;
            if (!text.isBlank()) {
                lines.add(new Line(file, number, parse(file, number, text)));
            }
        }
        return lines;
    }

    private static JsonNode parse(String file, int number, String text) {
        try {
            return JSON.readTree(text);
        } catch (JacksonException e) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID, file + " line " + number + ": not JSON: " + e.getOriginalMessage(), e);
        }
    }

    static String read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new QuantizationException(
                    ErrorCode.DATASET_NOT_FOUND, "dataset " + file.getFileName() + " is missing or no regular file");
        }
        try {
            return requireText(file.getFileName().toString(), Files.readString(file, StandardCharsets.UTF_8));
        } catch (CharacterCodingException e) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID, "dataset " + file.getFileName() + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new QuantizationException(
                    ErrorCode.IO_FAILED, "dataset " + file.getFileName() + " cannot be read: " + e.getMessage(), e);
        }
    }
}
