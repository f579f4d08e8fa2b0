package io.octavo.api.report;

import io.octavo.engine.label.Execution;
import io.octavo.engine.label.VllmServing;
import io.octavo.jobs.artifact.ArtifactRecord;
import io.octavo.jobs.artifact.EvaluationRecord;
import io.octavo.wire.RepositoryFile;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * A report as a model card in Markdown: what lies beside the artifact's files wherever they are published. Names and texts in
 * it are users' and cannot become mark-up.
 */
public final class ModelCard {

    private final StringBuilder text = new StringBuilder();

    private ModelCard() {}

    public static String of(ArtifactReport report) {
        var card = new ModelCard();
        ArtifactRecord artifact = report.artifact();
        card.heading("#", artifact.repository());
        card.paragraph(plain(ReportPage.headline(artifact)));
        card.paragraph("Made of " + plain(artifact.lineage().source()) + " at revision "
                + plain(artifact.lineage().sourceRevision()) + " with "
                + plain(artifact.lineage().scheme())
                + ", layout " + plain(artifact.lineage().layout()) + ", by Octavo "
                + plain(artifact.lineage().engineVersion()) + ".");
        card.warnings(artifact.warnings());
        card.executions(artifact.executesAs());
        card.serving(report);
        artifact.evaluations().stream().reduce((before, newer) -> newer).ifPresent(card::quality);
        card.files(artifact.files());
        return card.text.toString();
    }

    private void warnings(List<String> warnings) {
        if (!warnings.isEmpty()) {
            heading("##", "Know before loading it");
            list(warnings);
        }
    }

    private void executions(List<Execution> executions) {
        if (!executions.isEmpty()) {
            heading("##", "Runs as");
            table("GPU", "such as", "runs as", "how");
            executions.forEach(each -> row(each.gpu(), each.gpuExamples(), each.runsAs(), each.how()));
            text.append('\n');
        }
    }

    private void serving(ArtifactReport report) {
        VllmServing serving = report.serving();
        heading("##", "Serve");
        if (serving.command() != null) {
            fenced("sh", ReportPage.commands(report) + "\n");
        }
        list(serving.advice());
        if (serving.manifest() != null) {
            paragraph("On Kubernetes:");
            fenced("yaml", serving.manifest());
        }
    }

    private void quality(EvaluationRecord evaluation) {
        heading("##", "Quality");
        table("task", "score", "this artifact", "baseline", "change");
        ReportPage.scores(evaluation.result())
                .forEach(score -> row(score.task(), score.name(), score.now(), score.before(), score.change()));
        text.append('\n');
        for (JsonNode smoke : ReportPage.smokes(evaluation.result())) {
            paragraph("Smoke inference " + (smoke.path("passed").asBoolean(false) ? "passed:" : "FAILED:"));
            list(smoke.path("checks")
                    .valueStream()
                    .map(check -> (check.path("passed").asBoolean(false) ? "" : "NOT: ")
                            + check.path("detail").asString(""))
                    .toList());
        }
    }

    private void files(List<RepositoryFile> files) {
        heading("##", "Files");
        table("path", "SHA-256", "size");
        files.forEach(file -> row(file.path(), file.sha256(), ReportPage.bytes(file.size())));
    }

    private void heading(String level, String words) {
        paragraph(level + " " + plain(words));
    }

    private void paragraph(String words) {
        text.append(words).append("\n\n");
    }

    private void list(List<String> lines) {
        lines.forEach(line -> text.append("- ").append(plain(line)).append('\n'));
        if (!lines.isEmpty()) {
            text.append('\n');
        }
    }

    private void fenced(String language, String lines) {
        text.append("```").append(language).append('\n').append(lines).append("```\n\n");
    }

    private void table(String... columns) {
        row(columns);
        text.append("|").append(" --- |".repeat(columns.length)).append('\n');
    }

    private void row(String... cells) {
        text.append(Stream.of(cells).map(ModelCard::plain).collect(Collectors.joining(" | ", "| ", " |\n")));
    }

    /** In one line, with what Markdown or HTML could take for mark-up escaped. */
    private static String plain(String words) {
        return words.replaceAll("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]+", " ")
                .replaceAll("([\\\\`*_{}\\[\\]<>#|~&])", "\\\\$1");
    }
}
