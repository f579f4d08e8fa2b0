package io.octavo.standalone;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.terminal.TextTable;
import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.report.EvaluationComparison;
import io.octavo.engine.report.HarnessReport;
import io.octavo.engine.request.EvaluationMetric;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.TaskResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "evaluate",
        description =
                "Scores the checkpoint in a folder, quantized or not, beside the one that it was made from, here and"
                        + " without a service: perplexity, multiple choice, MMLU, and how far its next tokens lie from the other's.",
        footer = {
            "  octavo evaluate examples/models/books-5m --perplexity examples/data/books-heldout.txt --max-windows 8",
            "  octavo evaluate ./Llama-3.1-8B-FP8 --baseline ./Llama-3.1-8B --mmlu ./mmlu --few-shot 5 --lm-eval mmlu.json",
            "  octavo evaluate ./Llama-3.1-8B-FP8 --baseline ./Llama-3.1-8B --perplexity wiki.test.txt --windows rolling"
                    + " --window-tokens 2048 --divergence"
        })
final class EvaluateCommand extends TerminalCommand {

    @Parameters(index = "0", paramLabel = "DIR", description = "config.json, safetensors and tokenizer.")
    private Path source = Path.of("");

    @Option(
            names = "--baseline",
            paramLabel = "DIR",
            description = "The checkpoint to compare with, on the same tasks.")
    private @Nullable Path baseline;

    @Option(
            names = "--divergence",
            description = "Also how far next tokens in the texts lie from the baseline's, over disjoint windows.")
    private boolean divergence;

    @Option(
            names = "--smoke",
            description = "Also asks both a fixed set of prompts and judges: NaN, loops, agreement with the baseline.")
    private boolean smoke;

    @Mixin
    private EvaluationOptions options = new EvaluationOptions();

    @Option(
            names = "--lm-eval",
            paramLabel = "FILE",
            description = "Also writes the scores of DIR as lm-evaluation-harness writes its results.")
    private @Nullable Path harnessFile;

    @Mixin
    private final DeviceOption device = new DeviceOption();

    @Option(names = "--json", description = "Prints the scores as JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        List<EvaluationTask> tasks = tasks();
        var request = new EvaluationRequest(source, tasks);
        EvaluationComparison scores;
        try (var progress = new LiveProgress(terminal())) {
            var monitor = new EngineProgress(progress);
            scores = EngineFailure.translate(() -> {
                try (Engine engine = Engines.open(device.engine())) {
                    EvaluationResult own = engine.evaluate(request, monitor);
                    List<EvaluationTask> shared =
                            tasks.stream().filter(task -> !task.comparing()).toList();
                    EvaluationResult before =
                            baseline == null ? null : engine.evaluate(new EvaluationRequest(baseline, shared), monitor);
                    return new EvaluationComparison(own, before);
                }
            });
        }
        if (harnessFile != null) {
            Files.writeString(
                    harnessFile,
                    WireJson.pretty(HarnessReport.of(EvaluationOptions.name(source), request, scores.source())));
        }
        if (json) {
            terminal().out().println(WireJson.pretty(scores.toJson()));
        } else {
            terminal().out().println(table(scores));
            mmluTable(scores).ifPresent(table -> terminal().out().println("\n" + table));
            verdicts(scores.source()).forEach(this::print);
        }
        return verdicts(scores.source()).allMatch(TaskResult.Smoke::passed) ? ExitCode.OK : ExitCode.FAILED;
    }

    private static Stream<TaskResult.Smoke> verdicts(EvaluationResult scores) {
        return scores.tasks().stream()
                .filter(TaskResult.Smoke.class::isInstance)
                .map(TaskResult.Smoke.class::cast);
    }

    private void print(TaskResult.Smoke verdict) {
        terminal().out().println("\nsmoke inference " + (verdict.passed() ? "passed" : "FAILED"));
        TextTable checks = TextTable.of("lll").indented();
        verdict.checks().forEach(check -> checks.row(check.name(), check.passed() ? "ok" : "NOT", check.detail()));
        terminal().out().print(checks);
    }

    private List<EvaluationTask> tasks() {
        if (divergence && baseline == null) {
            throw new UsageException("--divergence: --baseline says from what");
        }
        if (smoke && baseline == null) {
            throw new UsageException("--smoke: --baseline says beside what");
        }
        return options.tasks(divergence ? baseline : null, smoke ? baseline : null);
    }

    private static TextTable table(EvaluationComparison scores) {
        EvaluationResult before = scores.baseline();
        TextTable table = TextTable.of("llrrr");
        table.row(
                "task",
                "score",
                before == null ? "" : before.label(),
                scores.source().label(),
                "");
        for (TaskResult task : scores.source().tasks()) {
            for (ScoreLine line : ScoreLine.of(task)) {
                Double then = before == null ? null : line.inResult(before, task.name());
                boolean main = line.name().equals(EvaluationMetric.PERPLEXITY)
                        || line.name().equals(EvaluationMetric.ACCURACY);
                table.row(
                        task.name(),
                        line.name(),
                        then == null ? "" : line.text(then),
                        line.text(line.value()),
                        main
                                ? scores.score(EvaluationMetric.RECOVERY, task).stream()
                                        .mapToObj(share -> Quantity.percent(share) + " kept")
                                        .findFirst()
                                        .orElse("")
                                : "");
            }
        }
        scores.recovery()
                .ifPresent(
                        share -> table.row("recovery", "", "", String.format(Locale.ROOT, "%.2f %%", share * 100), ""));
        return table;
    }

    /** The table of vLLM's pull request #1112. */
    private static Optional<TextTable> mmluTable(EvaluationComparison scores) {
        TextTable table = TextTable.of("lrrrrr");
        table.row("model", "STEM", "Social Sciences", "Humanities", "Other", "Average");
        boolean any = false;
        for (EvaluationResult result : Stream.of(scores.baseline(), scores.source())
                .filter(Objects::nonNull)
                .toList()) {
            for (TaskResult task : result.tasks()) {
                if (task instanceof TaskResult.MultipleChoice choice
                        && !choice.subjects().isEmpty()) {
                    any = true;
                    table.row(
                            result.label(),
                            category(choice, "stem"),
                            category(choice, "social_sciences"),
                            category(choice, "humanities"),
                            category(choice, "other"),
                            String.format(Locale.ROOT, "%.4f", choice.accuracy()));
                }
            }
        }
        return any ? Optional.of(table) : Optional.empty();
    }

    private static String category(TaskResult.MultipleChoice choice, String name) {
        return choice.categories().stream()
                .filter(category -> category.name().equals(name))
                .map(category -> String.format(Locale.ROOT, "%.4f", category.accuracy()))
                .findFirst()
                .orElse("-");
    }

    /** A number of a task under the name that people know. */
    private record ScoreLine(String name, double value) {

        static List<ScoreLine> of(TaskResult task) {
            List<ScoreLine> lines = new ArrayList<>();
            switch (task) {
                case TaskResult.Perplexity perplexity -> {
                    lines.add(new ScoreLine(EvaluationMetric.PERPLEXITY, perplexity.perplexity()));
                    TaskResult.TextScores text = perplexity.text();
                    if (text != null) {
                        lines.add(new ScoreLine("word perplexity", text.wordPerplexity()));
                        lines.add(new ScoreLine("byte perplexity", text.bytePerplexity()));
                        lines.add(new ScoreLine("bits per byte", text.bitsPerByte()));
                    }
                }
                case TaskResult.MultipleChoice choice -> {
                    lines.add(new ScoreLine(EvaluationMetric.ACCURACY, choice.accuracy()));
                    lines.add(new ScoreLine("accuracy by bytes", choice.accuracyNormalized()));
                }
                case TaskResult.Divergence divergence -> {
                    lines.add(new ScoreLine(EvaluationMetric.DIVERGENCE_MEAN, divergence.divergence()));
                    lines.add(new ScoreLine(EvaluationMetric.DIVERGENCE_PERCENTILE99, divergence.percentile99()));
                    lines.add(new ScoreLine(EvaluationMetric.DIVERGENCE_AGREEMENT, divergence.agreement()));
                }
                case TaskResult.Generation generation -> {}
                case TaskResult.Smoke smoke -> {}
            }
            return lines;
        }

        /** The same number of another model, if it has one. */
        @Nullable Double inResult(EvaluationResult other, String task) {
            return other.tasks().stream()
                    .filter(result -> result.name().equals(task))
                    .flatMap(result -> of(result).stream())
                    .filter(line -> line.name.equals(name))
                    .map(ScoreLine::value)
                    .findFirst()
                    .orElse(null);
        }

        String text(double number) {
            return String.format(Locale.ROOT, "%.4f", number);
        }
    }
}
