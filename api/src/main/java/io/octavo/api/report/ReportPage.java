package io.octavo.api.report;

import io.octavo.engine.label.Execution;
import io.octavo.jobs.artifact.ArtifactRecord;
import io.octavo.jobs.artifact.EvaluationRecord;
import io.octavo.jobs.repository.FileEntry;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/**
 * A report as one page for people. It needs nothing from elsewhere and runs nothing: no script, one style sheet, and a policy
 * in the page itself that forbids anything more, so that it stays harmless when it is saved and passed on. Names in it are
 * users'.
 */
public final class ReportPage {

    private static final int WORST = 10;

    /** Numbers of a task that tell how much was asked, not how well it went. */
    private static final Set<String> NOT_SCORES = Set.of("windows", "windowTokens", "items", "newTokens", "seconds");

    private static final String STYLE = """
            :root{color-scheme:light dark}
            body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
            h1{font-size:1.6rem;margin:0;overflow-wrap:anywhere}
            h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid #8885}
            table{border-collapse:collapse;width:100%}
            th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8883;vertical-align:top}
            td{overflow-wrap:anywhere}
            .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
            th.f{width:11rem;font-weight:normal;opacity:.7}
            code,pre{font:13px/1.4 ui-monospace,monospace}
            pre{white-space:pre-wrap;border-left:3px solid #8885;padding-left:.75rem}
            .good,.bad{display:inline-block;border-radius:.3rem;padding:.05rem .5rem;color:#fff}
            .good{background:#18794e}.bad{background:#b42318}
            .sub{opacity:.7;margin:.25rem 0}
            summary{cursor:pointer;margin:.5rem 0}
            """;

    /** For the header of the answer, and in the page. */
    public static final String POLICY =
            "default-src 'none'; style-src 'sha256-" + sha256(STYLE) + "'; base-uri 'none'; form-action 'none'";

    private final HtmlWriter html = new HtmlWriter();

    private ReportPage() {}

    public static String of(ArtifactReport report) {
        ReportPage page = new ReportPage();
        page.write(report);
        return page.html.toString();
    }

    private void write(ArtifactReport report) {
        ArtifactRecord artifact = report.artifact();
        html.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>")
                .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"" + POLICY + "\"/>")
                .raw("<meta name=\"viewport\" content=\"width=device-width\"/><title>")
                .text(artifact.repository() + " " + artifact.label())
                .raw("</title><style>" + STYLE + "</style></head><body>");
        html.element("h1", artifact.repository());
        html.raw("<p class=\"sub\">")
                .text(String.format(
                        Locale.ROOT,
                        "%s, %.2f bits a weight, %s",
                        artifact.label(),
                        artifact.weightBits(),
                        bytes(artifact.sizeBytes())))
                .raw("</p>");
        warnings(artifact.warnings());
        executions(artifact.executesAs());
        verification(report.verification());
        evaluations(artifact.evaluations());
        provenance(artifact);
        files(artifact.files());
        html.raw("</body></html>\n");
    }

    private void warnings(List<String> warnings) {
        if (!warnings.isEmpty()) {
            html.element("h2", "Warnings").raw("<ul>");
            warnings.forEach(warning -> html.element("li", warning));
            html.raw("</ul>");
        }
    }

    private void executions(List<Execution> executions) {
        if (!executions.isEmpty()) {
            html.element("h2", "Executes as");
            html.table(List.of("GPU", "such as", "runs as", "how"));
            executions.forEach(row -> html.row(List.of(row.gpu(), row.gpuExamples(), row.runsAs(), row.how())));
            html.raw("</table>");
        }
    }

    private void verification(JsonNode verification) {
        html.element("h2", "Self-check");
        if (!verification.path("passed").isBoolean()) {
            facts(verification);
            return;
        }
        boolean passed = verification.path("passed").booleanValue();
        html.raw("<p>")
                .raw(passed ? "<span class=\"good\">passed</span> " : "<span class=\"bad\">failed</span> ")
                .text(verification.path("modules").size() + " quantized modules were read back; "
                        + verification.path("untouchedTensors").asInt(0)
                        + " other tensors are bit for bit those of the source.")
                .raw("</p>");
        list(verification.path("failures"), JsonNode::asString);
        list(
                verification.path("checks"),
                check -> (check.path("passed").asBoolean(false) ? "" : "NOT: ")
                        + check.path("name").asString(""));
        modules(verification.path("modules"));
    }

    private void list(JsonNode items, Function<JsonNode, String> text) {
        if (!items.isEmpty()) {
            html.raw("<ul>");
            items.forEach(item -> html.element("li", text.apply(item)));
            html.raw("</ul>");
        }
    }

    private void modules(JsonNode modules) {
        List<JsonNode> worstFirst = new ArrayList<>();
        modules.forEach(worstFirst::add);
        worstFirst.sort(Comparator.comparingDouble(
                module -> -module.path("relativeError").asDouble(0)));
        if (!worstFirst.isEmpty()) {
            moduleTable(worstFirst.subList(0, Math.min(WORST, worstFirst.size())));
        }
        if (worstFirst.size() > WORST) {
            html.raw("<details>").element("summary", "All " + worstFirst.size() + " modules");
            moduleTable(worstFirst);
            html.raw("</details>");
        }
    }

    private void moduleTable(List<JsonNode> modules) {
        html.table(List.of("module, worst first"), "relative error", "signal to noise, dB");
        modules.forEach(module -> html.row(
                List.of(module.path("module").asString("")),
                number(module.path("relativeError")),
                number(module.path("signalToNoiseDb"))));
        html.raw("</table>");
    }

    private void evaluations(List<EvaluationRecord> evaluations) {
        html.element("h2", "Evaluations");
        if (evaluations.isEmpty()) {
            html.element("p", "None yet.");
        }
        for (EvaluationRecord evaluation : evaluations) {
            JsonNode result = evaluation.result();
            html.raw("<p class=\"sub\">")
                    .text(evaluation.createdAt() + ", job " + evaluation.jobId())
                    .raw("</p>");
            html.table(List.of("task", "score"), "this artifact", "baseline", "change");
            List<JsonNode> generations = new ArrayList<>();
            List<JsonNode> baselines = new ArrayList<>();
            for (int i = 0; i < result.at("/source/tasks").size(); i++) {
                JsonNode task = result.at("/source/tasks/" + i);
                scores(task, result.at("/baseline/tasks/" + i));
                if (task.path("text").isString()) {
                    generations.add(task);
                    baselines.add(result.at("/baseline/tasks/" + i));
                }
            }
            html.raw("</table>");
            generations.forEach(task -> generation("This artifact", task));
            baselines.forEach(task -> generation("Baseline", task));
        }
    }

    private void scores(JsonNode task, JsonNode baseline) {
        for (Map.Entry<String, JsonNode> score : task.properties()) {
            if (score.getValue().isNumber() && !NOT_SCORES.contains(score.getKey())) {
                JsonNode before = baseline.path(score.getKey());
                html.row(
                        List.of(task.path("name").asString(""), score.getKey()),
                        number(score.getValue()),
                        number(before),
                        change(score.getValue(), before));
            }
        }
    }

    private void generation(String model, JsonNode task) {
        if (task.path("text").isString()) {
            html.element(
                    "p",
                    model + drawn(task.path("sampling")) + ", given: "
                            + task.path("prompt").asString(""));
            html.element("pre", task.path("text").stringValue());
        }
    }

    private static String drawn(JsonNode sampling) {
        return sampling.isObject()
                ? ", drawn at temperature " + sampling.path("temperature").asString("") + " with seed "
                        + sampling.path("seed").asString("")
                : "";
    }

    private static String change(JsonNode now, JsonNode before) {
        return before.isNumber() && before.doubleValue() != 0
                ? String.format(Locale.ROOT, "%+.3f %%", 100 * (now.doubleValue() / before.doubleValue() - 1))
                : "";
    }

    private void provenance(ArtifactRecord artifact) {
        html.element("h2", "Provenance").raw("<table>");
        fact("source", artifact.lineage().source());
        fact("source revision", artifact.lineage().sourceRevision());
        fact("scheme", artifact.lineage().scheme());
        fact("layout", artifact.lineage().layout());
        fact("engine", artifact.lineage().engineVersion());
        fact("this artifact", artifact.uri());
        fact("artifact id", artifact.id().toString());
        fact("job", artifact.jobId().toString());
        fact("made", artifact.createdAt().toString());
        html.raw("</table>");
    }

    private void facts(JsonNode facts) {
        html.raw("<table>");
        facts.properties().forEach(fact -> fact(fact.getKey(), fact.getValue().asString("")));
        html.raw("</table>");
    }

    private void fact(String name, String value) {
        html.raw("<tr><th class=\"f\">")
                .text(name)
                .raw("</th>")
                .element("td", value)
                .raw("</tr>");
    }

    private void files(List<FileEntry> files) {
        html.element("h2", "Files");
        html.table(List.of("path", "SHA-256"), "bytes");
        files.forEach(file -> html.row(List.of(file.path(), file.sha256()), Long.toString(file.size())));
        html.raw("</table>");
    }

    private static String number(JsonNode value) {
        if (!value.isNumber()) {
            return "";
        }
        return value.isIntegralNumber() ? value.asString() : String.format(Locale.ROOT, "%.5g", value.doubleValue());
    }

    private static String bytes(long count) {
        if (count < 10_000) {
            return count + " bytes";
        }
        return count < 1_000_000
                ? String.format(Locale.ROOT, "%.1f kB", count / 1e3)
                : String.format(Locale.ROOT, "%.1f MB", count / 1e6);
    }

    private static String sha256(String text) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
