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
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.plan.PreFlight;
import io.octavo.engine.report.EvaluationComparison;
import io.octavo.engine.report.QualityChart;
import io.octavo.engine.request.EvaluationMetric;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.TaskResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "compare",
        description = "Scores what was made of one checkpoint side by side, here and without a service: size against"
                + " quality, as a table and as a chart.",
        footer = {
            "  octavo compare examples/models/books-5m examples/models/books-5m --choices examples/data/books-cloze.jsonl"
                    + " --max-items 4",
            "  octavo compare ./Llama-3.1-8B ./Llama-3.1-8B-FP8 ./Llama-3.1-8B-W4A16 --mmlu ./mmlu --svg compare.svg"
        })
final class CompareCommand extends TerminalCommand {

    @Parameters(index = "0", paramLabel = "BASELINE", description = "Folder of the checkpoint that all were made of.")
    private Path baseline = Path.of("");

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "DIR", description = "Folders of what was made of it.")
    private List<Path> artifacts = new ArrayList<>();

    @Mixin
    private EvaluationOptions options = new EvaluationOptions();

    @Option(names = "--svg", paramLabel = "FILE", description = "Writes the chart of size against recovery.")
    private @Nullable Path svg;

    @Mixin
    private final DeviceOption device = new DeviceOption();

    @Option(names = "--json", description = "Prints sizes and scores as JSON.")
    private boolean json;

    /** @param bytes of all tensors */
    private record Compared(String name, long bytes, EvaluationComparison scores) {

        double recovery() {
            return scores.recovery().orElse(Double.NaN);
        }
    }

    @Override
    public Integer call() throws IOException {
        List<Compared> compared = compare();
        if (svg != null) {
            List<QualityChart.Point> points = compared.stream()
                    .filter(each -> Double.isFinite(each.recovery()))
                    .map(each -> new QualityChart.Point(each.name, each.bytes, each.recovery()))
                    .toList();
            Files.writeString(
                    svg, QualityChart.svg(EvaluationOptions.name(baseline), EvaluationMetric.RECOVERY, true, points));
        }
        terminal().out().println(json ? WireJson.pretty(toJson(compared)) : table(compared));
        return ExitCode.OK;
    }

    /** The smallest first; the baseline, which is compared with itself, among them. */
    private List<Compared> compare() {
        List<EvaluationTask> tasks = options.tasks(null, null);
        requireDistinctNames();
        List<Compared> compared = new ArrayList<>();
        try (var progress = new LiveProgress(terminal())) {
            var monitor = new EngineProgress(progress);
            EngineFailure.translate(() -> {
                try (Engine engine = Engines.open(device.engine())) {
                    EvaluationResult before = engine.evaluate(new EvaluationRequest(baseline, tasks), monitor);
                    compared.add(of(baseline, before, before));
                    for (Path artifact : artifacts) {
                        progress.line(EvaluationOptions.name(artifact));
                        compared.add(
                                of(artifact, engine.evaluate(new EvaluationRequest(artifact, tasks), monitor), before));
                    }
                }
                return compared;
            });
        }
        compared.sort(Comparator.comparingLong(Compared::bytes));
        return compared;
    }

    private void requireDistinctNames() {
        Set<String> names = new HashSet<>();
        for (Path artifact : artifacts) {
            if (!names.add(EvaluationOptions.name(artifact))) {
                throw new UsageException("two folders are called " + EvaluationOptions.name(artifact));
            }
            if (!Files.isDirectory(artifact)) { // known before the others are scored for minutes
                throw new UsageException("there is no folder " + artifact);
            }
        }
    }

    private static Compared of(Path folder, EvaluationResult now, EvaluationResult before) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return new Compared(
                    EvaluationOptions.name(folder),
                    PreFlight.evaluation(checkpoint).weightBytes(),
                    new EvaluationComparison(now, before));
        }
    }

    private static ArrayNode toJson(List<Compared> compared) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (Compared each : compared) {
            ObjectNode scores = each.scores.toJson();
            scores.remove("baseline"); // which is one of them
            array.addObject()
                    .put("name", each.name)
                    .put("weightBytes", each.bytes)
                    .setAll(scores);
        }
        return array;
    }

    private static TextTable table(List<Compared> compared) {
        List<TaskResult> tasks = compared.getFirst().scores.source().tasks();
        TextTable table = TextTable.of("llr" + "r".repeat(tasks.size()) + "r");
        List<Object> heading = new ArrayList<>(List.of("name", "label", "weights"));
        tasks.forEach(task -> heading.add(task.name() + " " + metric(task)));
        heading.add(EvaluationMetric.RECOVERY);
        table.row(heading.toArray());
        for (Compared each : compared) {
            List<Object> cells =
                    new ArrayList<>(List.of(each.name, each.scores.source().label(), Quantity.bytes(each.bytes)));
            for (TaskResult task : each.scores.source().tasks()) {
                cells.add(text(each.scores.score(metric(task), task), "%.4f"));
            }
            cells.add(text(each.scores.recovery(), "%.4f"));
            table.row(cells.toArray());
        }
        return table;
    }

    private static String metric(TaskResult task) {
        return task instanceof TaskResult.Perplexity ? EvaluationMetric.PERPLEXITY : EvaluationMetric.ACCURACY;
    }

    private static String text(OptionalDouble value, String format) {
        return value.isPresent() ? String.format(Locale.ROOT, format, value.getAsDouble()) : "-";
    }
}
