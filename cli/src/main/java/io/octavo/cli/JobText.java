package io.octavo.cli;

import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.Problem;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Quantity;
import io.octavo.wire.JobView;
import io.octavo.wire.RepositoryFile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Jobs and artifacts as plain text. */
final class JobText {

    private JobText() {}

    /** One line for each job. */
    static String table(List<JobView> jobs) {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%-36s  %-9s  %-9s  %5s  %-20s  %s%n",
                "ID",
                "TYPE",
                "STATUS",
                "DONE",
                "CREATED",
                "SOURCE"));
        for (JobView job : jobs) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-36s  %-9s  %-9s  %3.0f %%  %-20s  %s%n",
                    job.id(),
                    job.type(),
                    job.status(),
                    job.progress() * 100,
                    job.createdAt().toString().replaceFirst("\\.\\d+", ""),
                    subject(job)));
        }
        return text.toString().stripTrailing();
    }

    private static String subject(JobView job) {
        return job.steps().isEmpty()
                ? job.spec().path("source").asString("")
                : job.steps().stream().map(JobView.Step::name).collect(Collectors.joining(", "));
    }

    /** Everything about one job. */
    static String details(JobView job) {
        StringBuilder text = new StringBuilder();
        add(text, "id", job.id());
        add(text, "type", job.type());
        add(text, "status", job.status() + (job.attempt() > 1 ? " (attempt " + job.attempt() + ")" : ""));
        if (job.parent() != null) {
            add(text, "step", job.step() + " of " + job.parent());
        }
        if (job.waiting() != null) {
            add(text, "waits", job.waiting().detail());
        }
        add(text, "phase", job.phase());
        add(text, "progress", Quantity.percent(job.progress()));
        add(text, "worker", job.worker());
        add(text, "created", job.createdAt());
        if (job.startedAt() != null && job.finishedAt() != null) {
            add(
                    text,
                    "took",
                    Quantity.seconds(
                            Duration.between(job.startedAt(), job.finishedAt()).toMillis() / 1e3));
        }
        if (job.status().isTerminal() && job.problem() != null) {
            add(text, "problem", Problem.line(job.problem()));
        }
        if (!job.steps().isEmpty()) {
            text.append("steps\n").append(steps(job.steps()));
        }
        add(text, "spec", compact(job.spec()));
        if (job.result() != null && !job.result().isNull()) {
            text.append("result\n").append(WireJson.pretty(job.result()).indent(2));
        }
        return text.toString().stripTrailing();
    }

    private static String steps(List<JobView.Step> steps) {
        StringBuilder text = new StringBuilder();
        for (JobView.Step step : steps) {
            text.append(String.format(
                    Locale.ROOT,
                    "  %-24s  %-9s  %-9s  %3.0f %%  %s%n",
                    step.name(),
                    step.type(),
                    step.status(),
                    step.progress() * 100,
                    step.jobId()));
            if (step.status().isTerminal() && step.problem() != null) {
                text.append("    ").append(Problem.line(step.problem())).append('\n');
            }
        }
        return text.toString();
    }

    static String artifactTable(List<Artifact> artifacts) {
        StringBuilder text =
                new StringBuilder(String.format(Locale.ROOT, "%-36s  %9s  %-12s  %s%n", "ID", "SIZE", "LABEL", "URI"));
        for (Artifact artifact : artifacts) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-36s  %9s  %-12s  %s%n",
                    artifact.id(),
                    Quantity.bytes(artifact.sizeBytes()),
                    artifact.label(),
                    artifact.uri()));
        }
        return text.toString().stripTrailing();
    }

    static String details(Artifact artifact) {
        StringBuilder text = new StringBuilder();
        add(text, "id", artifact.id());
        add(text, "job", artifact.jobId());
        add(text, "uri", artifact.uri());
        add(text, "label", artifact.label());
        add(text, "bits", String.format(Locale.ROOT, "%.2f a weight", artifact.weightBits()));
        if (artifact.executesAs() != null) {
            runsAs(artifact.executesAs())
                    .forEach((bits, gpus) -> add(text, "runs as", bits + " on " + String.join(", ", gpus)));
        }
        Objects.requireNonNullElse(artifact.warnings(), List.<String>of())
                .forEach(warning -> add(text, "warning", warning));
        add(text, "size", Quantity.bytes(artifact.sizeBytes()));
        add(text, "created", artifact.createdAt());
        add(text, "lineage", compact(artifact.lineage()));
        text.append("files\n");
        for (RepositoryFile file : Objects.requireNonNullElse(artifact.files(), List.<RepositoryFile>of())) {
            text.append(String.format(
                    Locale.ROOT, "  %s  %9s  %s%n", file.sha256(), Quantity.bytes(file.size()), file.path()));
        }
        return text.toString().stripTrailing();
    }

    /** GPUs by what the artifact runs as on them, in the order of the service. */
    private static Map<String, List<String>> runsAs(JsonNode executions) {
        var gpus = new LinkedHashMap<String, List<String>>();
        for (JsonNode row : executions) {
            gpus.computeIfAbsent(row.path("runsAs").asString(""), bits -> new ArrayList<>())
                    .add(row.path("gpu").asString(""));
        }
        return gpus;
    }

    private static @Nullable String compact(@Nullable JsonNode tree) {
        return tree == null || tree.isNull() ? null : tree.toString();
    }

    private static void add(StringBuilder text, String name, @Nullable Object value) {
        if (value != null) {
            text.append(String.format(Locale.ROOT, "%-9s %s%n", name, value));
        }
    }
}
