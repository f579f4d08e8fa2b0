package io.octavo.api.report;

import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import io.octavo.engine.report.ErrorChart;
import io.octavo.engine.report.ErrorReport;
import io.octavo.engine.report.ErrorReport.ModuleError;
import io.octavo.jobs.artifact.ArtifactRecord;
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
import java.util.SortedMap;
import tools.jackson.databind.JsonNode;

/**
 * A report as one page for people. It needs nothing from elsewhere and runs nothing: no script, one style sheet, and a policy
 * in the page itself that forbids anything more, so that it stays harmless when it is saved and passed on. Names in it are
 * users'; the template engine escapes them. What the pages in {@code src/main/jte} call is public, as they are compiled into a
 * package of their own.
 */
public final class ReportPage {

    public static final int WORST = 10;

    /** Numbers of a task that tell how much was asked, not how well it went. */
    private static final Set<String> NOT_SCORES =
            Set.of("windows", "windowTokens", "stride", "tokens", "words", "bytes", "items", "newTokens", "seconds");

    public static final String STYLE = """
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
            svg{max-width:100%;height:auto}
            summary{cursor:pointer;margin:.5rem 0}
            """;

    /** For the header of the answer, and in the page. */
    public static final String POLICY =
            "default-src 'none'; style-src 'sha256-" + sha256(STYLE) + "'; base-uri 'none'; form-action 'none'";

    private static final TemplateEngine PAGES = TemplateEngine.createPrecompiled(ContentType.Html);

    /** What a model wrote, for the two to be read side by side. */
    public record Generation(String heading, String text) {}

    /** A row of an evaluation; figures that are missing are empty. */
    public record Score(String task, String name, String now, String before, String change) {}

    private ReportPage() {}

    public static String of(ArtifactReport report) {
        StringOutput page = new StringOutput();
        PAGES.render("report.jte", report, page);
        return printable(page.toString());
    }

    /** Without what would turn a text around, hide in it, or is no character of HTML. */
    private static String printable(String text) {
        return text.codePoints()
                .map(c -> c == '\n' || isShown(c) ? c : '\uFFFD')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static boolean isShown(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.UNASSIGNED -> false;
            default -> true;
        };
    }

    public static String headline(ArtifactRecord artifact) {
        Double recovery = artifact.recovery();
        Boolean smoke = artifact.smokePassed();
        return String.format(
                Locale.ROOT,
                "%s, %.2f bits a weight, %s%s%s",
                artifact.label(),
                artifact.weightBits(),
                bytes(artifact.sizeBytes()),
                recovery == null
                        ? ""
                        : String.format(Locale.ROOT, ", %.1f %% of the baseline's scores", recovery * 100),
                smoke == null ? "" : smoke ? ", smoke inference passed" : ", SMOKE INFERENCE FAILED");
    }

    public static List<JsonNode> worstFirst(JsonNode modules) {
        return modules.valueStream()
                .sorted(Comparator.comparingDouble(
                        module -> -module.path("relativeError").asDouble(0)))
                .toList();
    }

    /** As {@link ErrorChart} draws them: by what modules do and by layer; empty where modules lie in no layers. */
    public static SortedMap<String, SortedMap<Integer, Double>> errorsByLayer(List<JsonNode> modules) {
        List<ModuleError> errors = modules.stream()
                .filter(module -> module.path("relativeError").asDouble(-1) >= 0)
                .map(module -> new ModuleError(
                        module.path("module").asString(""),
                        module.path("relativeError").asDouble()))
                .toList();
        return new ErrorReport("", errors).byLayer();
    }

    public static List<Score> scores(JsonNode result) {
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < result.at("/source/tasks").size(); i++) {
            JsonNode task = result.at("/source/tasks/" + i);
            for (Map.Entry<String, JsonNode> score : task.properties()) {
                if (score.getValue().isNumber() && !NOT_SCORES.contains(score.getKey())) {
                    JsonNode before = result.at("/baseline/tasks/" + i).path(score.getKey());
                    scores.add(new Score(
                            task.path("name").asString(""),
                            score.getKey(),
                            number(score.getValue()),
                            number(before),
                            change(score.getValue(), before)));
                }
            }
        }
        return scores;
    }

    /** Verdicts of smoke inference. */
    public static List<JsonNode> smokes(JsonNode result) {
        return result.at("/source/tasks")
                .valueStream()
                .filter(task -> task.path("type").asString("").equals("smoke"))
                .toList();
    }

    /** To fetch the artifact and to serve it. */
    public static String commands(ArtifactReport report) {
        ArtifactRecord artifact = report.artifact();
        String name = artifact.repository().substring(artifact.repository().indexOf('/') + 1);
        return "octavo pull " + artifact.repository() + "@" + artifact.revision() + " ./" + name + "\n"
                + report.serving().command();
    }

    /** The artifact's, then the baseline's to the same prompts. */
    public static List<Generation> generations(JsonNode result) {
        List<Generation> generations = new ArrayList<>();
        generations("This artifact", result.at("/source/tasks"), generations);
        generations("Baseline", result.at("/baseline/tasks"), generations);
        return generations;
    }

    private static void generations(String model, JsonNode tasks, List<Generation> into) {
        for (JsonNode task : tasks) {
            if (task.path("text").isString()) {
                into.add(new Generation(
                        model + drawn(task.path("sampling")) + ", given: "
                                + task.path("prompt").asString(""),
                        task.path("text").stringValue()));
            }
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

    public static String number(JsonNode value) {
        if (!value.isNumber()) {
            return "";
        }
        return value.isIntegralNumber() ? value.asString() : String.format(Locale.ROOT, "%.5g", value.doubleValue());
    }

    static String bytes(long count) {
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
