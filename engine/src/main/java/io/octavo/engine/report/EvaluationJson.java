package io.octavo.engine.report;

import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask.Windowing;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.request.TaskResult;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Scores as jobs' results and the command line tell them. */
public final class EvaluationJson {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private EvaluationJson() {}

    /** {@code label} and {@code tasks}, each with its {@code type}, {@code name}, scores and {@code seconds}. */
    public static ObjectNode scores(EvaluationResult result) {
        ObjectNode scores = NODES.objectNode().put("label", result.label());
        ArrayNode tasks = scores.putArray("tasks");
        result.tasks()
                .forEach(task ->
                        tasks.add(score(task).put("seconds", task.duration().toMillis() / 1000.0)));
        return scores;
    }

    private static ObjectNode score(TaskResult result) {
        return switch (result) {
            case TaskResult.Perplexity perplexity -> perplexity(perplexity);
            case TaskResult.MultipleChoice choice -> multipleChoice(choice);
            case TaskResult.Divergence divergence -> divergence(divergence);
            case TaskResult.Generation generation -> generation(generation);
            case TaskResult.Smoke smoke -> smoke(smoke);
        };
    }

    private static ObjectNode perplexity(TaskResult.Perplexity result) {
        ObjectNode score = object("perplexity", result).put("windows", result.windows());
        switch (result.windowing()) {
            case Windowing.Disjoint disjoint -> score.put("windowing", "disjoint");
            case Windowing.Rolling rolling -> score.put("windowing", "rolling");
            case Windowing.Sliding sliding -> score.put("windowing", "sliding").put("stride", sliding.stride());
        }
        score.put("windowTokens", result.windowTokens())
                .put("tokens", result.tokens())
                .put("negativeLogLikelihood", result.negativeLogLikelihood())
                .put("perplexity", result.perplexity());
        TaskResult.TextScores text = result.text();
        if (text != null) {
            score.put("words", text.words())
                    .put("bytes", text.bytes())
                    .put("wordPerplexity", text.wordPerplexity())
                    .put("bytePerplexity", text.bytePerplexity())
                    .put("bitsPerByte", text.bitsPerByte());
        }
        return score;
    }

    private static ObjectNode multipleChoice(TaskResult.MultipleChoice result) {
        ObjectNode score = object("multiple-choice", result)
                .put("items", result.items())
                .put("accuracy", result.accuracy())
                .put("accuracyNormalized", result.accuracyNormalized())
                .put("accuracyByCharacters", result.accuracyByCharacters());
        if (!result.subjects().isEmpty()) {
            score.set("categories", subjects(result.categories()));
            score.set("subjects", subjects(result.subjects()));
        }
        return score;
    }

    private static ArrayNode subjects(List<TaskResult.Subject> subjects) {
        ArrayNode array = NODES.arrayNode();
        subjects.forEach(subject -> array.addObject()
                .put("name", subject.name())
                .put("items", subject.items())
                .put("accuracy", subject.accuracy()));
        return array;
    }

    private static ObjectNode divergence(TaskResult.Divergence result) {
        ObjectNode score = object("divergence", result)
                .put("windows", result.windows())
                .put("windowTokens", result.windowTokens())
                .put("divergence", result.divergence())
                .put("percentile99", result.percentile99())
                .put("largestDivergence", result.largestDivergence())
                .put("agreement", result.agreement());
        ArrayNode positions = score.putArray("positions");
        result.positions()
                .forEach(span -> positions
                        .addObject()
                        .put("from", span.from())
                        .put("to", span.to())
                        .put("divergence", span.divergence()));
        return score;
    }

    private static ObjectNode generation(TaskResult.Generation generation) {
        ObjectNode score = object("generation", generation)
                .put("prompt", generation.prompt())
                .put("text", generation.text())
                .put("newTokens", generation.newTokens());
        SamplingOptions sampling = generation.sampling();
        if (!sampling.equals(SamplingOptions.greedy())) {
            score.putObject("sampling")
                    .put("temperature", sampling.temperature())
                    .put("topK", sampling.topK())
                    .put("topP", sampling.topP())
                    .put("minP", sampling.minP())
                    .put("repetitionPenalty", sampling.repetitionPenalty())
                    .put("seed", sampling.seed());
        }
        return score;
    }

    private static ObjectNode smoke(TaskResult.Smoke smoke) {
        ObjectNode verdict = object("smoke", smoke).put("passed", smoke.passed());
        ArrayNode checks = verdict.putArray("checks");
        smoke.checks()
                .forEach(check -> checks.addObject()
                        .put("name", check.name())
                        .put("passed", check.passed())
                        .put("value", check.value())
                        .put("limit", check.limit())
                        .put("detail", check.detail()));
        ArrayNode texts = verdict.putArray("texts");
        smoke.texts()
                .forEach(text -> texts.addObject()
                        .put("prompt", text.prompt())
                        .put("text", text.text())
                        .put("baseline", text.baseline()));
        return verdict;
    }

    private static ObjectNode object(String type, TaskResult result) {
        return NODES.objectNode().put("type", type).put("name", result.name());
    }
}
