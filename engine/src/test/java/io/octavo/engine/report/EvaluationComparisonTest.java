package io.octavo.engine.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.request.EvaluationMetric;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask.Windowing;
import io.octavo.engine.request.TaskResult;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** Which share of a baseline's scores is kept. */
class EvaluationComparisonTest {

    private static TaskResult perplexity(String name, double perplexity) {
        return new TaskResult.Perplexity(
                name, 1, new Windowing.Disjoint(4), 4, Math.log(perplexity), perplexity, null, Duration.ZERO);
    }

    private static TaskResult choice(String name, double accuracy) {
        return new TaskResult.MultipleChoice(
                name, 100, accuracy, accuracy, accuracy, List.of(), List.of(), Duration.ZERO);
    }

    private static EvaluationResult result(TaskResult... tasks) {
        return new EvaluationResult("label", List.of(tasks));
    }

    @Test
    void accuraciesDecideWhereThereAreAny() {
        var comparison = new EvaluationComparison(
                result(perplexity("text", 12), choice("a", 0.45), choice("b", 0.6)),
                result(choice("b", 0.6), choice("a", 0.5), perplexity("text", 10)));
        assertThat(comparison.recovery().orElseThrow()).isCloseTo((0.9 + 1) / 2, within(1e-12));
        assertThat(comparison.score(
                        EvaluationMetric.RECOVERY, comparison.source().tasks().getFirst()))
                .hasValue(10.0 / 12);
        ObjectNode json = comparison.toJson();
        assertThat(json.path("recovery").doubleValue()).isCloseTo(0.95, within(1e-12));
        assertThat(json.at("/comparison/0/value").doubleValue()).isEqualTo(1.2);
        assertThat(json.at("/comparison/2/metric").stringValue()).isEqualTo("accuracy.difference");
        assertThat(json.at("/comparison/2/value").doubleValue()).isCloseTo(-0.05, within(1e-12));
    }

    @Test
    void perplexitiesDoWhereThereAreNoAccuracies() {
        var comparison = new EvaluationComparison(
                result(perplexity("a", 20), perplexity("b", 10)), result(perplexity("a", 10), perplexity("b", 8)));
        assertThat(comparison.recovery().orElseThrow()).isCloseTo((0.5 + 0.8) / 2, within(1e-12));
    }

    @Test
    void nothingIsKeptOfWhatNobodyMeasured() {
        var alone = new EvaluationComparison(result(perplexity("a", 20), choice("b", 0.5)), null);
        assertThat(alone.recovery()).isEmpty();
        assertThat(alone.toJson().path("baseline").isNull()).isTrue();
        assertThat(alone.toJson().has("recovery")).isFalse();
        var zero = new EvaluationComparison(result(choice("b", 0.5)), result(choice("b", 0)));
        assertThat(zero.recovery()).isEmpty();
        var other = new EvaluationComparison(result(choice("b", 0.5)), result(choice("c", 0.5)));
        assertThat(other.recovery()).isEmpty();
    }
}
