package io.octavo.cli.demo;

import tools.jackson.databind.JsonNode;

/**
 * The original's scores beside the artifact's.
 *
 * @param prompt what both models continued
 * @param peakRssBytes most memory that the evaluating process held
 */
record Comparison(
        Pair perplexity,
        Pair clozeAccuracy,
        int windows,
        int clozeItems,
        String prompt,
        String originalText,
        String quantizedText,
        double seconds,
        long peakRssBytes) {

    record Pair(double original, double quantized) {}

    static Comparison of(JsonNode result) {
        JsonNode original = result.path("baseline");
        JsonNode quantized = result.path("source");
        JsonNode perplexity = task(quantized, EvaluationSpec.PERPLEXITY);
        JsonNode cloze = task(quantized, EvaluationSpec.CLOZE);
        JsonNode generation = task(quantized, EvaluationSpec.GENERATION);
        return new Comparison(
                new Pair(
                        number(task(original, EvaluationSpec.PERPLEXITY), "perplexity"),
                        number(perplexity, "perplexity")),
                new Pair(number(task(original, EvaluationSpec.CLOZE), "accuracy"), number(cloze, "accuracy")),
                perplexity.path("windows").asInt(0),
                cloze.path("items").asInt(0),
                generation.path("prompt").asString(""),
                task(original, EvaluationSpec.GENERATION).path("text").asString(""),
                generation.path("text").asString(""),
                seconds(original) + seconds(quantized),
                result.path("peakRssBytes").asLong(0));
    }

    private static JsonNode task(JsonNode side, String name) {
        for (JsonNode task : side.path("tasks")) {
            if (task.path("name").asString("").equals(name)) {
                return task;
            }
        }
        throw new IllegalStateException("the evaluation's result has no task named " + name);
    }

    private static double number(JsonNode task, String field) {
        return task.path(field).asDouble(Double.NaN);
    }

    private static double seconds(JsonNode side) {
        double sum = 0;
        for (JsonNode task : side.path("tasks")) {
            sum += task.path("seconds").asDouble(0);
        }
        return sum;
    }
}
