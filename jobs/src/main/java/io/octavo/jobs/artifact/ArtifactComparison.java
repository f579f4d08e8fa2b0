package io.octavo.jobs.artifact;

import io.octavo.engine.request.EvaluationMetric;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What was made of one source, side by side: size against quality.
 *
 * @param source as it was asked for
 * @param artifacts the smallest first
 */
public record ArtifactComparison(String source, List<Entry> artifacts) {

    public ArtifactComparison {
        artifacts = List.copyOf(artifacts);
    }

    /**
     * @param weightBits bits per weight of quantized modules
     * @param recovery share of the 16-bit scores that is kept; null where nobody measured it
     * @param scores of the newest evaluation; none without one
     */
    public record Entry(
            UUID id,
            String uri,
            String scheme,
            String label,
            double weightBits,
            long sizeBytes,
            @Nullable Double recovery,
            List<Score> scores) {

        public Entry {
            scores = List.copyOf(scores);
        }

        static Entry of(ArtifactRecord artifact) {
            List<EvaluationRecord> evaluations = artifact.evaluations();
            return new Entry(
                    artifact.id(),
                    artifact.uri(),
                    artifact.lineage().scheme(),
                    artifact.label(),
                    artifact.weightBits(),
                    artifact.sizeBytes(),
                    artifact.recovery(),
                    evaluations.isEmpty()
                            ? List.of()
                            : Score.of(evaluations.getLast().result()));
        }
    }

    /**
     * @param metric {@code perplexity} or {@code accuracy}
     * @param baseline the baseline's; null without one
     */
    public record Score(
            String task,
            String metric,
            double value,
            @Nullable Double baseline) {

        private static List<Score> of(JsonNode result) {
            List<Score> scores = new ArrayList<>();
            for (JsonNode task : result.at("/source/tasks")) {
                for (String metric : List.of(EvaluationMetric.PERPLEXITY, EvaluationMetric.ACCURACY)) {
                    String name = task.path("name").asString("");
                    if (task.path(metric).isNumber()) {
                        scores.add(new Score(
                                name,
                                metric,
                                task.path(metric).doubleValue(),
                                before(result, name, metric).orElse(null)));
                    }
                }
            }
            return scores;
        }

        private static Optional<Double> before(JsonNode result, String name, String metric) {
            return result.at("/baseline/tasks")
                    .valueStream()
                    .filter(task -> task.path("name").asString("").equals(name))
                    .map(task -> task.path(metric))
                    .filter(JsonNode::isNumber)
                    .map(JsonNode::doubleValue)
                    .findFirst();
        }
    }
}
