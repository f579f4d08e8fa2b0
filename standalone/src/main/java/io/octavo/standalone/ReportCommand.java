package io.octavo.standalone;

import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.TextTable;
import io.octavo.engine.report.ErrorChart;
import io.octavo.engine.report.ErrorReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "report",
        description =
                "Shows by layer how far the weights of artifacts lie from their sources', as their self-checks found"
                        + " it: of one artifact by what modules do, of several a column each.",
        footer = {
            "  octavo report ./books-5m-W4A16-G64",
            "  octavo report ./books-5m-W4A16-G64 ./books-5m-NVFP4 --svg errors.svg"
        })
final class ReportCommand extends TerminalCommand {

    @Parameters(arity = "1..*", paramLabel = "DIR", description = "Folders with an octavo.json.")
    private List<Path> artifacts = new ArrayList<>();

    @Option(names = "--svg", paramLabel = "FILE", description = "Writes the chart.")
    private @Nullable Path svg;

    @Override
    public Integer call() throws IOException {
        List<ErrorReport> reports = EngineFailure.translate(
                () -> artifacts.stream().map(ErrorReport::of).toList());
        SortedMap<String, SortedMap<Integer, Double>> lines = new TreeMap<>();
        if (reports.size() == 1) {
            lines = reports.getFirst().byLayer();
        } else {
            for (int i = 0; i < reports.size(); i++) {
                String name = name(artifacts.get(i));
                if (lines.put(name, reports.get(i).overLayers()) != null) {
                    throw new UsageException("two folders are called " + name);
                }
            }
        }
        terminal().out().println(table(lines));
        if (svg != null) {
            Files.writeString(svg, ErrorChart.svg(title(reports), lines));
        }
        return ExitCode.OK;
    }

    private String title(List<ErrorReport> reports) {
        return reports.size() == 1
                ? name(artifacts.getFirst()) + ": " + reports.getFirst().label()
                : "Relative error of weights";
    }

    private static String name(Path artifact) {
        return artifact.toAbsolutePath().normalize().getFileName().toString();
    }

    private static TextTable table(SortedMap<String, SortedMap<Integer, Double>> lines) {
        TextTable table = TextTable.of("r".repeat(lines.size() + 1));
        var heading = new ArrayList<Object>(List.of("layer"));
        heading.addAll(lines.keySet());
        table.row(heading.toArray());
        var layers = new TreeSet<Integer>();
        lines.values().forEach(line -> layers.addAll(line.keySet()));
        for (int layer : layers) {
            var cells = new ArrayList<Object>(List.of(layer));
            lines.values()
                    .forEach(line -> cells.add(
                            line.containsKey(layer)
                                    ? String.format(Locale.ROOT, "%.2f %%", line.get(layer) * 100)
                                    : "-"));
            table.row(cells.toArray());
        }
        return table;
    }
}
