package io.octavo.cli.demo;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The evaluate request of the demo: a text, a cloze test and a sentence to go on with. */
final class EvaluationSpec {

    static final String PERPLEXITY = "books";
    static final String CLOZE = "cloze";
    static final String GENERATION = "sample";

    private static final String PROMPT = "The old man looked out of the window and";
    private static final int WINDOW_TOKENS = 512;
    private static final int MAX_WINDOWS = 40;
    private static final int MAX_ITEMS = 120;
    private static final int NEW_TOKENS = 24;

    private EvaluationSpec() {}

    /**
     * @param source URI of the quantized model
     * @param baseline URI of the original
     * @param data URI of the repository with the data sets
     */
    static ObjectNode of(String source, String baseline, String data, ModelFolder model) {
        ObjectNode spec = JsonNodeFactory.instance
                .objectNode()
                .put("type", "evaluate")
                .put("source", source)
                .put("baseline", baseline);
        var tasks = spec.putArray("tasks");
        tasks.addObject()
                .put("type", "perplexity")
                .put("name", PERPLEXITY)
                .put("dataset", data + "#books-heldout.txt")
                .put("windowTokens", model.windowTokens(WINDOW_TOKENS))
                .put("maxWindows", MAX_WINDOWS);
        tasks.addObject()
                .put("type", "multiple-choice")
                .put("name", CLOZE)
                .put("dataset", data + "#books-cloze.jsonl")
                .put("format", "jsonl")
                .put("maxItems", MAX_ITEMS);
        tasks.addObject()
                .put("type", "generation")
                .put("name", GENERATION)
                .put("prompt", PROMPT)
                .put("maxTokens", NEW_TOKENS);
        return spec;
    }
}
