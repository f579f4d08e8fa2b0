package io.octavo.engine.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.EvaluationTask.ChoiceFormat;
import io.octavo.engine.request.EvaluationTask.Windowing;
import io.octavo.engine.request.TaskResult;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The shape, and numbers that lm_eval 0.4.13 computed of the same accuracies. */
class HarnessReportTest {

    private static final Path DATA = Path.of("data");
    private static final Offset<Double> CLOSE = within(1e-12);

    private static JsonNode report(EvaluationTask task, TaskResult result) {
        return HarnessReport.of(
                "model",
                new EvaluationRequest(Path.of("model"), List.of(task)),
                new EvaluationResult("BF16", List.of(result)));
    }

    @Test
    void mmluIsThereBySubjectByCategoryAndAsAWhole() {
        var task = new EvaluationTask.MultipleChoice("mmlu", DATA, new ChoiceFormat.MmluCsv(5), OptionalInt.empty());
        var result = new TaskResult.MultipleChoice(
                "mmlu",
                10,
                0.5,
                0.5,
                0.5,
                List.of(new TaskResult.Subject("anatomy", 6, 2.0 / 6), new TaskResult.Subject("virology", 4, 0.75)),
                List.of(),
                Duration.ZERO);
        JsonNode report = report(task, result);
        JsonNode results = report.path("results");
        assertThat(results.propertyNames())
                .containsExactlyInAnyOrder("mmlu", "mmlu_stem", "mmlu_other", "mmlu_anatomy", "mmlu_virology");
        assertThat(results.at("/mmlu/acc,none").doubleValue()).isCloseTo(0.5, CLOSE);
        assertThat(results.at("/mmlu/acc_stderr,none").doubleValue()).isCloseTo(0.1613743060919757, CLOSE);
        assertThat(results.at("/mmlu/sample_count/acc,none").intValue()).isEqualTo(10);
        assertThat(results.at("/mmlu_anatomy/acc_stderr,none").doubleValue()).isCloseTo(0.210818510677892, CLOSE);
        assertThat(results.at("/mmlu_stem/acc,none").doubleValue()).isCloseTo(1.0 / 3, CLOSE);
        assertThat(report.path("groups").propertyNames()).containsExactlyInAnyOrder("mmlu", "mmlu_stem", "mmlu_other");
        assertThat(report.path("group_subtasks"))
                .hasToString(
                        "{\"mmlu_stem\":[\"mmlu_anatomy\"],\"mmlu_other\":[\"mmlu_virology\"],\"mmlu\":[\"mmlu_stem\",\"mmlu_other\"]}");
        assertThat(report.at("/n-shot/mmlu_virology").intValue()).isEqualTo(5);
        assertThat(report.at("/configs/mmlu_virology/dataset_name").stringValue())
                .isEqualTo("virology");
        assertThat(report.at("/versions/mmlu").stringValue()).isEqualTo("2");
        assertThat(report.at("/higher_is_better/mmlu_other/acc").booleanValue()).isTrue();
        assertThat(report.at("/n-samples/mmlu_anatomy/effective").intValue()).isEqualTo(6);
    }

    /** Those of books-5m on books-cloze. */
    @Test
    void multipleChoiceHasTheHarnessesThreeAccuracies() {
        var task = new EvaluationTask.MultipleChoice("books_cloze", DATA, OptionalInt.empty());
        var result = new TaskResult.MultipleChoice(
                "books_cloze", 480, 0.59375, 0.6229166666666667, 0.6, List.of(), List.of(), Duration.ZERO);
        JsonNode report = report(task, result);
        JsonNode scores = report.at("/results/books_cloze");
        assertThat(scores.propertyNames())
                .containsExactlyInAnyOrder(
                        "name",
                        "alias",
                        "sample_len",
                        "acc,none",
                        "acc_stderr,none",
                        "acc_norm,none",
                        "acc_norm_stderr,none",
                        "acc_bytes,none",
                        "acc_bytes_stderr,none");
        assertThat(scores.path("acc_stderr,none").doubleValue()).isCloseTo(0.022440407629364157, CLOSE);
        assertThat(scores.path("acc_norm,none").doubleValue()).isEqualTo(0.6);
        assertThat(scores.path("acc_bytes,none").doubleValue()).isEqualTo(0.6229166666666667);
        assertThat(scores.path("acc_bytes_stderr,none").doubleValue()).isCloseTo(0.022144500443839605, CLOSE);
        assertThat(report.has("groups")).isFalse();
    }

    @Test
    void perplexityHasTheHarnessesUnitsWhereWholeTextsWereScored() {
        var task = new EvaluationTask.Perplexity("text", DATA, new Windowing.Rolling(512), OptionalInt.empty());
        var scores = TaskResult.TextScores.of(100, 20, 100);
        var result = new TaskResult.Perplexity("text", 1, task.windowing(), 25, 4, Math.exp(4), scores, Duration.ZERO);
        JsonNode report = report(task, result);
        assertThat(report.at("/results/text/word_perplexity,none").doubleValue())
                .isCloseTo(Math.exp(5), CLOSE);
        assertThat(report.at("/results/text/byte_perplexity,none").doubleValue())
                .isCloseTo(Math.E, CLOSE);
        assertThat(report.at("/results/text/bits_per_byte,none").doubleValue()).isCloseTo(1 / Math.log(2), CLOSE);
        assertThat(report.at("/results/text/bits_per_byte_stderr,none").stringValue())
                .isEqualTo("N/A");
        assertThat(report.at("/higher_is_better/text/word_perplexity").booleanValue())
                .isFalse();
        var parts = new TaskResult.Perplexity("text", 1, task.windowing(), 25, 4, Math.exp(4), null, Duration.ZERO);
        assertThat(report(task, parts).at("/results/text").has("bits_per_byte,none"))
                .isFalse();
        assertThat(report(task, parts).at("/results/text/perplexity,none").doubleValue())
                .isEqualTo(Math.exp(4));
    }
}
