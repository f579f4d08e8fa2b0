package io.octavo.engine.smoke;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.serve.ServedModel;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * What a model is asked: questions of a model that has a chat template, else beginnings of texts of many kinds.
 *
 * @param texts as people read them
 * @param tokens what goes through the model
 */
record SmokePrompts(List<String> texts, List<List<Integer>> tokens) {

    private static final List<String> BEGINNINGS = List.of(
            "The old man looked out of the window and",
            "Once upon a time there was a",
            "\"I do not believe a word of it,\" said",
            "It was a cold morning in the month of",
            "Dear Sir,\nI have received your letter of",
            "The history of the city begins with",
            "Water boils when it is",
            "In the beginning of the war the army",
            "She had never seen so many people in",
            "To make bread, take flour and",
            "One, two, three, four,",
            "The most important reason for this is",
            "Chapter I.\n\n",
            "He opened the door, and there stood",
            "According to the law, every person has",
            "The sun rose over the sea, and the");

    private static final List<String> QUESTIONS = List.of(
            "What is the capital of France?",
            "Say in one sentence why the sky is blue.",
            "Write two lines of a poem about the sea.",
            "How many days has a week? Name them.",
            "Translate into German: The house is old.",
            "What is 12 times 12?",
            "Name three animals that lay eggs.",
            "Write a Python function that adds two numbers.",
            "Who wrote Romeo and Juliet?",
            "Give me a recipe for bread in three steps.",
            "Is the moon larger than the earth?",
            "Tell me a short story about a dog.",
            "What does HTTP stand for?",
            "Write a polite letter that declines an invitation.",
            "What comes after Monday?",
            "Summarize: The train was late, so we missed the ship.");

    private static final Set<ErrorCode> WITHOUT_CHATS = Set.of(
            ErrorCode.CHAT_TEMPLATE_MISSING,
            ErrorCode.CHAT_TEMPLATE_UNAVAILABLE,
            ErrorCode.CHAT_TEMPLATE_FAILED,
            ErrorCode.CHAT_TEMPLATE_EXCEEDED);

    /** Templates that write the date write this one, so that the same model is always asked the same. */
    private static final ZonedDateTime TIME = ZonedDateTime.of(2025, 1, 1, 12, 0, 0, 0, ZoneOffset.UTC);

    /** @param mostTokens that a prompt may have; where a chat has more, the model is asked to go on from texts */
    static SmokePrompts of(ServedModel model, int mostTokens) {
        try {
            List<List<Integer>> chats = QUESTIONS.stream()
                    .map(question -> model.encode(model.render(chat(question))))
                    .toList();
            if (chats.stream().allMatch(tokens -> !tokens.isEmpty() && tokens.size() <= mostTokens)) {
                return new SmokePrompts(QUESTIONS, chats);
            }
        } catch (QuantizationException e) {
            if (!WITHOUT_CHATS.contains(e.code())) {
                throw e;
            }
        }
        return new SmokePrompts(
                BEGINNINGS, BEGINNINGS.stream().map(model::encodePrompt).toList());
    }

    private static Chat chat(String question) {
        ArrayNode messages = JsonNodeFactory.instance.arrayNode();
        messages.addObject().put("role", "user").put("content", question);
        return new Chat(messages, null, null, true, TIME, Map.of());
    }
}
