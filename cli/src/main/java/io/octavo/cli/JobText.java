package io.octavo.cli;

import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.Problem;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.terminal.TextTable;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.RepositoryFile;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
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
        TextTable table = TextTable.of("lllrll").row("ID", "TYPE", "STATUS", "DONE", "CREATED", "SOURCE");
        for (JobView job : jobs) {
            table.row(
                    job.id(),
                    job.type(),
                    job.status(),
                    done(job.progress()),
                    job.createdAt().truncatedTo(ChronoUnit.SECONDS),
                    subject(job));
        }
        return table.toString();
    }

    private static String done(double progress) {
        return String.format(Locale.ROOT, "%.0f %%", progress * 100);
    }

    private static String subject(JobView job) {
        return job.steps().isEmpty()
                ? job.spec().path("source").asString("")
                : job.steps().stream().map(JobView.Step::name).collect(Collectors.joining(", "));
    }

    /** Everything about one job. */
    static String details(JobView job) {
        TextTable facts = TextTable.facts()
                .row("id", job.id())
                .row("type", job.type())
                .row("status", job.status() + (job.attempt() > 1 ? " (attempt " + job.attempt() + ")" : ""))
                .row("step", job.parent() == null ? null : job.step() + " of " + job.parent())
                .row("waits", job.waiting() == null ? null : job.waiting().detail())
                .row("phase", job.phase())
                .row("progress", Quantity.percent(job.progress()))
                .row("worker", job.worker())
                .row("created", job.createdAt())
                .row("took", took(job))
                .row("problem", problem(job.status(), job.problem()))
                .row("spec", job.spec());
        String result = job.result() == null || job.result().isNull()
                ? ""
                : "\nresult\n" + WireJson.pretty(job.result()).indent(2).stripTrailing();
        return facts + steps(job.steps()) + result;
    }

    private static @Nullable String took(JobView job) {
        return job.startedAt() == null || job.finishedAt() == null
                ? null
                : Quantity.seconds(
                        Duration.between(job.startedAt(), job.finishedAt()).toMillis() / 1e3);
    }

    private static @Nullable String problem(JobStatus status, JobView.@Nullable JobProblem problem) {
        return status.isTerminal() && problem != null ? Problem.line(problem) : null;
    }

    private static String steps(List<JobView.Step> steps) {
        if (steps.isEmpty()) {
            return "";
        }
        TextTable table = TextTable.of("lllrll").indented();
        for (JobView.Step step : steps) {
            table.row(
                    step.name(),
                    step.type(),
                    step.status(),
                    done(step.progress()),
                    step.jobId(),
                    Objects.requireNonNullElse(problem(step.status(), step.problem()), ""));
        }
        return "\nsteps\n" + table;
    }

    static String artifactTable(List<Artifact> artifacts) {
        TextTable table = TextTable.of("lrll").row("ID", "SIZE", "LABEL", "URI");
        artifacts.forEach(artifact ->
                table.row(artifact.id(), Quantity.bytes(artifact.sizeBytes()), artifact.label(), artifact.uri()));
        return table.toString();
    }

    static String details(Artifact artifact) {
        TextTable facts = TextTable.facts()
                .row("id", artifact.id())
                .row("job", artifact.jobId())
                .row("uri", artifact.uri())
                .row("label", artifact.label())
                .row("bits", String.format(Locale.ROOT, "%.2f a weight", artifact.weightBits()))
                .row("recovery", artifact.recovery() == null ? null : Quantity.percent(artifact.recovery()))
                .row("smoke", artifact.smokePassed() == null ? null : artifact.smokePassed() ? "passed" : "FAILED");
        if (artifact.executesAs() != null) {
            runsAs(artifact.executesAs())
                    .forEach((bits, gpus) -> facts.row("runs as", bits + " on " + String.join(", ", gpus)));
        }
        Objects.requireNonNullElse(artifact.warnings(), List.<String>of())
                .forEach(warning -> facts.row("warning", warning));
        facts.row("size", Quantity.bytes(artifact.sizeBytes()))
                .row("created", artifact.createdAt())
                .row("lineage", artifact.lineage());
        TextTable files = TextTable.of("lrl").indented();
        Objects.requireNonNullElse(artifact.files(), List.<RepositoryFile>of())
                .forEach(file -> files.row(file.sha256(), Quantity.bytes(file.size()), file.path()));
        return facts + "\nfiles\n" + files;
    }

    /** GPUs by what the artifact runs as on them, in the order of the service. */
    private static Map<String, List<String>> runsAs(JsonNode executions) {
        return executions
                .valueStream()
                .collect(Collectors.groupingBy(
                        row -> row.path("runsAs").asString(""),
                        LinkedHashMap::new,
                        Collectors.mapping(row -> row.path("gpu").asString(""), Collectors.toList())));
    }
}
