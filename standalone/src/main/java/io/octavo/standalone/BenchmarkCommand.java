package io.octavo.standalone;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.terminal.TextTable;
import io.octavo.engine.Engines;
import io.octavo.engine.benchmark.BenchmarkReport;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.benchmark.Lengths;
import io.octavo.engine.benchmark.Load;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "benchmark",
        description =
                "Serves a checkpoint and what was made of it in turn, here and without a service, under the same load,"
                        + " and prints rates, waiting times and memory of both.",
        footer = {
            "  octavo benchmark examples/models/books-5m examples/models/books-5m --requests 8 --concurrency 4"
                    + " --input-tokens 32 --output-tokens 16 --warm-up 4",
            "  octavo benchmark ./Llama-3.1-8B ./Llama-3.1-8B-FP8 --input-tokens 640 --output-tokens 100 --concurrency 32",
            "  octavo benchmark ./Llama-3.1-8B ./Llama-3.1-8B-FP8 --rate 4 --input-tokens lognormal:300:1.0:4000"
                    + " --output-tokens 50-400 --seed 7"
        })
final class BenchmarkCommand extends TerminalCommand {

    private static final Pattern UNIFORM = Pattern.compile("(\\d{1,7})-(\\d{1,7})");
    private static final Pattern LOGNORMAL =
            Pattern.compile("lognormal:(\\d{1,7}):(\\d{1,2}(?:\\.\\d{1,6})?):(\\d{1,7})");
    private static final Pattern FIXED = Pattern.compile("\\d{1,7}");

    @Parameters(index = "0", paramLabel = "BASELINE", description = "Folder of the checkpoint to compare with.")
    private Path baseline = Path.of("");

    @Parameters(index = "1", paramLabel = "DIR", description = "Folder of the checkpoint that was made of it.")
    private Path source = Path.of("");

    @Option(names = "--requests", paramLabel = "N", description = "Requests that are measured (${DEFAULT-VALUE}).")
    private int requests = 200;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            description =
                    "Requests of each round of the warm-up, which ends when a round is no faster than those before;"
                            + " 0 for none (${DEFAULT-VALUE}).")
    private int warmUp = 8;

    @Option(
            names = "--concurrency",
            paramLabel = "N",
            description = "Clients that each send the next request when the last has ended. Default: 32.")
    private @Nullable Integer concurrency;

    @Option(
            names = "--rate",
            paramLabel = "R",
            description = "So many requests a second come on their own, in a Poisson process, in place of clients.")
    private @Nullable Double rate;

    @Option(
            names = "--input-tokens",
            paramLabel = "LENGTHS",
            description = "Of prompts: N, MIN-MAX, or lognormal:MEDIAN:SIGMA:MAX (${DEFAULT-VALUE}).")
    private String inputTokens = "640";

    @Option(names = "--output-tokens", paramLabel = "LENGTHS", description = "Of texts, likewise (${DEFAULT-VALUE}).")
    private String outputTokens = "100";

    @Option(
            names = "--max-sequences",
            paramLabel = "N",
            description = "Texts that are continued at once. Default: as many as clients, or 64.")
    private @Nullable Integer maxSequences;

    @Option(
            names = "--kv-cache",
            paramLabel = "TYPE",
            description = "How keys and values are kept: auto (the default), f32, bf16, fp8 or int8.")
    private String cacheType = "auto";

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "The same one gives the same prompts, lengths and arrivals (${DEFAULT-VALUE}).")
    private long seed;

    @Mixin
    private final DeviceOption device = new DeviceOption();

    @Option(names = "--json", description = "Prints the figures as JSON.")
    private boolean json;

    @Override
    public Integer call() {
        BenchmarkRequest request = request();
        BenchmarkResult result;
        try (var progress = new LiveProgress(terminal())) {
            result = EngineFailure.translate(
                    () -> Engines.benchmark(device.engine(), request, new EngineProgress(progress)));
        }
        if (json) {
            terminal().out().println(WireJson.pretty(BenchmarkReport.json(result)));
        } else {
            terminal().out().println(throughput(result) + "\n\n" + table(result) + "\n\n" + result.device());
        }
        return ExitCode.OK;
    }

    private BenchmarkRequest request() {
        if (concurrency != null && rate != null) {
            throw new UsageException("--rate: goes without --concurrency: one of them says when requests come");
        }
        try {
            Load.Arrival arrival = rate != null
                    ? new Load.Arrival.Poisson(rate)
                    : new Load.Arrival.ClosedLoop(concurrency == null ? 32 : concurrency);
            var load = new Load(
                    requests,
                    warmUp,
                    arrival,
                    lengths("--input-tokens", inputTokens),
                    lengths("--output-tokens", outputTokens),
                    seed);
            return BenchmarkRequest.of(source, baseline, load, maxSequences, cacheType);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private static Lengths lengths(String option, String text) {
        if (FIXED.matcher(text).matches()) {
            return new Lengths.Fixed(Integer.parseInt(text));
        }
        Matcher uniform = UNIFORM.matcher(text);
        if (uniform.matches()) {
            return new Lengths.Uniform(Integer.parseInt(uniform.group(1)), Integer.parseInt(uniform.group(2)));
        }
        Matcher normal = LOGNORMAL.matcher(text);
        if (normal.matches()) {
            return new Lengths.LogNormal(
                    Integer.parseInt(normal.group(1)),
                    Double.parseDouble(normal.group(2)),
                    Integer.parseInt(normal.group(3)));
        }
        throw new UsageException(option + " takes N, MIN-MAX or lognormal:MEDIAN:SIGMA:MAX, not " + text);
    }

    private static TextTable throughput(BenchmarkResult result) {
        TextTable table = TextTable.of("lrrrr");
        BenchmarkReport.throughput(result).forEach(line -> table.row(line.toArray()));
        return table;
    }

    private static final Map<String, String> NAMES = Map.of(
            "requestsPerSecond", "requests",
            "outputTokensPerSecond", "tokens out",
            "totalTokensPerSecond", "tokens in and out",
            "weightBytes", "weights",
            "cacheBytes", "cache of keys and values",
            "peakBytes", "peak memory of the process",
            "deviceBytes", "memory of the device");

    private static TextTable table(BenchmarkResult result) {
        TextTable table = TextTable.of("lrrr");
        table.row("", result.baseline().label(), result.source().label(), "ratio");
        for (BenchmarkReport.Row row : BenchmarkReport.rows(result)) {
            if (row.baseline() != 0 || row.source() != 0) {
                table.row(
                        name(row.name()),
                        amount(row.baseline(), row.unit()),
                        amount(row.source(), row.unit()),
                        String.format(Locale.ROOT, "%.2f", row.ratio()));
            }
        }
        return table;
    }

    private static String name(String figure) {
        List<String> parts = List.of(figure.split("\\."));
        String words = switch (parts.getFirst()) {
            case "timeToFirstToken" -> "first token";
            case "interTokenLatency" -> "from token to token";
            case "requestLatency" -> "whole request";
            default -> NAMES.getOrDefault(figure, figure);
        };
        return parts.size() == 1 ? words : words + ", " + parts.getLast();
    }

    private static String amount(double value, String unit) {
        return switch (unit) {
            case "B" -> Quantity.bytes((long) value);
            case "ms" -> String.format(Locale.ROOT, "%.2f ms", value);
            default -> String.format(Locale.ROOT, "%.2f %s", value, unit);
        };
    }
}
