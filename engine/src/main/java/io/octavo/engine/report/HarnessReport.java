package io.octavo.engine.report;

import io.octavo.engine.dataset.Mmlu;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.TaskResult;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Scores in the shape in which lm-evaluation-harness 0.4.13 writes its results, for whatever reads those. MMLU is there by
 * subject, by category and as a whole. Continuations and smoke inference are no scores and are left out.
 */
public final class HarnessReport {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private static final String NO_ERROR = "N/A";
    private static final String GROUP_VERSION = "2";

    private final ObjectNode results = NODES.objectNode();
    private final ObjectNode groups = NODES.objectNode();
    private final ObjectNode groupSubtasks = NODES.objectNode();
    private final ObjectNode configs = NODES.objectNode();
    private final ObjectNode versions = NODES.objectNode();
    private final ObjectNode shots = NODES.objectNode();
    private final ObjectNode directions = NODES.objectNode();
    private final ObjectNode samples = NODES.objectNode();

    private HarnessReport() {}

    /**
     * @param model its name
     * @param result of {@code request}
     */
    public static ObjectNode of(String model, EvaluationRequest request, EvaluationResult result) {
        var report = new HarnessReport();
        for (int i = 0; i < request.tasks().size(); i++) {
            report.add(request.tasks().get(i), result.tasks().get(i));
        }
        ObjectNode root = NODES.objectNode();
        root.set("results", report.results);
        if (!report.groups.isEmpty()) {
            root.set("groups", report.groups);
        }
        root.set("group_subtasks", report.groupSubtasks);
        root.set("configs", report.configs);
        root.set("versions", report.versions);
        root.set("n-shot", report.shots);
        root.set("higher_is_better", report.directions);
        root.set("n-samples", report.samples);
        ObjectNode config = root.putObject("config").put("model", "octavo");
        config.putObject("model_args").put("pretrained", model).put("label", result.label());
        return root.put("model_source", "octavo").put("model_name", model);
    }

    private void add(EvaluationTask task, TaskResult result) {
        switch (result) {
            case TaskResult.Perplexity perplexity -> perplexity(perplexity);
            case TaskResult.MultipleChoice choice -> {
                if (task instanceof EvaluationTask.MultipleChoice asked
                        && asked.format() instanceof EvaluationTask.ChoiceFormat.MmluCsv csv) {
                    mmlu(choice, csv.fewShot());
                } else {
                    multipleChoice(choice);
                }
            }
            case TaskResult.Divergence divergence -> {
                ObjectNode scores = task(divergence.name(), divergence.windows());
                score(divergence.name(), scores, "kl_divergence", divergence.divergence(), false);
                score(divergence.name(), scores, "kl_divergence_p99", divergence.percentile99(), false);
                score(divergence.name(), scores, "top1_agreement", divergence.agreement(), true);
                config(divergence.name(), "loglikelihood_rolling", 0);
            }
            case TaskResult.Generation generation -> {}
            case TaskResult.Smoke smoke -> {}
        }
    }

    private void perplexity(TaskResult.Perplexity result) {
        String name = result.name();
        ObjectNode scores = task(name, 1);
        TaskResult.TextScores text = result.text();
        if (text != null) {
            score(name, scores, "word_perplexity", text.wordPerplexity(), false);
            score(name, scores, "byte_perplexity", text.bytePerplexity(), false);
            score(name, scores, "bits_per_byte", text.bitsPerByte(), false);
        }
        score(name, scores, "perplexity", result.perplexity(), false);
        config(name, "loglikelihood_rolling", 0);
    }

    private void multipleChoice(TaskResult.MultipleChoice result) {
        String name = result.name();
        ObjectNode scores = task(name, result.items());
        share(name, scores, "acc", result.accuracy(), result.items());
        share(name, scores, "acc_norm", result.accuracyByCharacters(), result.items());
        share(name, scores, "acc_bytes", result.accuracyNormalized(), result.items());
        config(name, "multiple_choice", 0);
    }

    private void mmlu(TaskResult.MultipleChoice result, int fewShot) {
        String name = result.name();
        List<String> subtasks = new ArrayList<>();
        for (Mmlu.Category category : Mmlu.Category.values()) {
            List<TaskResult.Subject> own = result.subjects().stream()
                    .filter(subject -> category.subjects().contains(subject.name()))
                    .toList();
            if (own.isEmpty()) {
                continue;
            }
            String group = name + "_" + category.key();
            subtasks.add(group);
            group(group, category.key().replace('_', ' '), own);
            shots.put(group, fewShot);
            directions.putObject(group).put("acc", true);
            own.forEach(subject -> subject(name, subject, fewShot));
            subtasks(group, own.stream().map(subject -> name + "_" + subject.name()));
        }
        for (TaskResult.Subject subject : result.subjects()) {
            String task = name + "_" + subject.name();
            if (!results.has(task)) { // one that the harness does not know
                subject(name, subject, fewShot);
                subtasks.add(task);
            }
        }
        group(name, name, result.subjects());
        subtasks(name, subtasks.stream());
    }

    private void subject(String name, TaskResult.Subject subject, int fewShot) {
        String task = name + "_" + subject.name();
        ObjectNode scores = task(task, subject.items()).put("alias", subject.name());
        share(task, scores, "acc", subject.accuracy(), subject.items());
        config(task, "multiple_choice", fewShot)
                .put("task_alias", subject.name())
                .put("dataset_name", subject.name());
    }

    /** Each item weighs the same. */
    private void group(String name, String alias, List<TaskResult.Subject> subjects) {
        int items = subjects.stream().mapToInt(TaskResult.Subject::items).sum();
        double correct = subjects.stream()
                .mapToDouble(subject -> subject.accuracy() * subject.items())
                .sum();
        // Pooled over the subjects, whose variances are those of shares.
        double variance = subjects.stream()
                        .mapToDouble(subject -> subject.items() * subject.accuracy() * (1 - subject.accuracy()))
                        .sum()
                / (items - subjects.size());
        ObjectNode scores =
                NODES.objectNode().put("name", name).put("alias", alias).put("sample_len", items);
        scores.put("acc,none", correct / items);
        error(scores, "acc_stderr,none", Math.sqrt(variance / items));
        scores.putObject("sample_count").put("acc,none", items);
        results.set(name, scores);
        groups.set(name, scores.deepCopy());
        versions.put(name, GROUP_VERSION);
    }

    private void subtasks(String group, Stream<String> names) {
        ArrayNode list = groupSubtasks.putArray(group);
        names.forEach(list::add);
    }

    private ObjectNode task(String name, int items) {
        versions.put(name, 1.0);
        samples.putObject(name).put("original", items).put("effective", items);
        directions.putObject(name);
        return results.putObject(name).put("name", name).put("alias", name).put("sample_len", items);
    }

    private void score(String task, ObjectNode scores, String metric, double value, boolean higherIsBetter) {
        scores.put(metric + ",none", value).put(metric + "_stderr,none", NO_ERROR);
        direction(task, metric, higherIsBetter);
    }

    /** The standard error of a mean of items that are right or wrong. */
    private void share(String task, ObjectNode scores, String metric, double value, int items) {
        scores.put(metric + ",none", value);
        error(scores, metric + "_stderr,none", Math.sqrt(value * (1 - value) / (items - 1)));
        direction(task, metric, true);
    }

    private static void error(ObjectNode scores, String name, double error) {
        if (Double.isFinite(error)) {
            scores.put(name, error);
        } else {
            scores.put(name, NO_ERROR); // of one item
        }
    }

    private void direction(String task, String metric, boolean higherIsBetter) {
        if (directions.get(task) instanceof ObjectNode metrics) {
            metrics.put(metric, higherIsBetter);
        }
    }

    private ObjectNode config(String task, String outputType, int fewShot) {
        shots.put(task, fewShot);
        ObjectNode config = configs.putObject(task).put("task", task).put("output_type", outputType);
        config.put("num_fewshot", fewShot).putObject("metadata").put("version", 1.0);
        return config;
    }
}
