package io.octavo.jobs.spec;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** One measurement of an evaluate job. */
public sealed interface TaskSpec {

    /** Names the task in results. */
    String name();

    ObjectNode toJson();

    /** @param maxWindows only the first so many windows; all when absent */
    record Perplexity(
            String name,
            DatasetReference dataset,
            int windowTokens,
            @Nullable Integer maxWindows) implements TaskSpec {

        public static final String TYPE = "perplexity";

        @Override
        public ObjectNode toJson() {
            ObjectNode json = object(TYPE, name).put("dataset", dataset.toString());
            json.put("windowTokens", windowTokens);
            return maxWindows == null ? json : json.put("maxWindows", maxWindows);
        }
    }

    /**
     * How far next tokens lie from those of the job's baseline.
     *
     * @param maxWindows only the first so many windows; all when absent
     */
    record Divergence(
            String name,
            DatasetReference dataset,
            int windowTokens,
            @Nullable Integer maxWindows) implements TaskSpec {

        public static final String TYPE = "divergence";

        @Override
        public ObjectNode toJson() {
            ObjectNode json = object(TYPE, name).put("dataset", dataset.toString());
            json.put("windowTokens", windowTokens);
            return maxWindows == null ? json : json.put("maxWindows", maxWindows);
        }
    }

    /**
     * @param format {@code jsonl}
     * @param maxItems only the first so many items; all when absent
     */
    record MultipleChoice(
            String name,
            DatasetReference dataset,
            String format,
            @Nullable Integer maxItems) implements TaskSpec {

        public static final String TYPE = "multiple-choice";
        public static final String JSONL = "jsonl";

        @Override
        public ObjectNode toJson() {
            ObjectNode json =
                    object(TYPE, name).put("dataset", dataset.toString()).put("format", format);
            return maxItems == null ? json : json.put("maxItems", maxItems);
        }
    }

    /**
     * A continuation of a prompt.
     *
     * @param sampling how its tokens are drawn; the most likely ones when absent
     */
    record Generation(
            String name,
            String prompt,
            int maxTokens,
            @Nullable Sampling sampling) implements TaskSpec {

        public static final String TYPE = "generation";

        @Override
        public ObjectNode toJson() {
            ObjectNode json = object(TYPE, name).put("prompt", prompt).put("maxTokens", maxTokens);
            if (sampling != null) {
                json.set("sampling", sampling.toJson());
            }
            return json;
        }
    }

    /**
     * How tokens are drawn. Of the most likely {@code topK}, the fewest that reach {@code topP} together stay, and of those
     * the ones that are at least {@code minP} times as likely as the first.
     *
     * @param temperature 0 for the most likely token
     * @param topK 0 for all
     * @param topP 1 for all
     * @param minP 0 for all
     * @param repetitionPenalty of tokens that the prompt or the text holds; 1 for none
     * @param seed the same one draws the same text
     */
    record Sampling(double temperature, int topK, double topP, double minP, double repetitionPenalty, int seed) {

        ObjectNode toJson() {
            return JsonNodeFactory.instance
                    .objectNode()
                    .put("temperature", temperature)
                    .put("topK", topK)
                    .put("topP", topP)
                    .put("minP", minP)
                    .put("repetitionPenalty", repetitionPenalty)
                    .put("seed", seed);
        }
    }

    private static ObjectNode object(String type, String name) {
        return JsonNodeFactory.instance.objectNode().put("type", type).put("name", name);
    }
}
