package io.octavo.engine.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A benchmark's figures as JSON, and as rows for people. */
public final class BenchmarkReport {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private BenchmarkReport() {}

    /**
     * One figure.
     *
     * @param moreIsBetter whether a ratio above 1 is a gain
     */
    public record Row(String name, String unit, double baseline, double source, boolean moreIsBetter) {

        /** The source's by the baseline's. */
        public double ratio() {
            return source / baseline;
        }
    }

    /** {@code device}, {@code load}, {@code baseline}, {@code source}, and {@code ratio}, of the source to the baseline. */
    public static ObjectNode json(BenchmarkResult result) {
        ObjectNode report = NODES.objectNode().put("device", result.device());
        report.set("load", load(result.load()));
        report.set("baseline", figures(result.baseline()));
        report.set("source", figures(result.source()));
        ObjectNode ratio = report.putObject("ratio");
        for (Row row : rows(result)) {
            if (Double.isFinite(row.ratio())) {
                ratio.put(row.name(), row.ratio());
            }
        }
        return report;
    }

    private static ObjectNode load(Load load) {
        ObjectNode node =
                NODES.objectNode().put("requests", load.requests()).put("warmUpRequests", load.warmUpRequests());
        switch (load.arrival()) {
            case Load.Arrival.ClosedLoop loop -> node.put("concurrency", loop.concurrency());
            case Load.Arrival.Poisson poisson -> node.put("requestsPerSecond", poisson.requestsPerSecond());
        }
        node.set("inputTokens", lengths(load.input()));
        node.set("outputTokens", lengths(load.output()));
        return node.put("seed", load.seed());
    }

    private static ObjectNode lengths(Lengths lengths) {
        ObjectNode node = NODES.objectNode();
        return switch (lengths) {
            case Lengths.Fixed fixed -> node.put("type", "fixed").put("tokens", fixed.tokens());
            case Lengths.Uniform uniform ->
                node.put("type", "uniform").put("min", uniform.least()).put("max", uniform.most());
            case Lengths.LogNormal normal ->
                node.put("type", "lognormal")
                        .put("median", normal.median())
                        .put("sigma", normal.sigma())
                        .put("max", normal.most());
        };
    }

    private static ObjectNode figures(ServingFigures figures) {
        ObjectNode node = NODES.objectNode()
                .put("label", figures.label())
                .put("requests", figures.requests())
                .put("seconds", figures.seconds())
                .put("promptTokens", figures.promptTokens())
                .put("newTokens", figures.newTokens())
                .put("requestsPerSecond", figures.requestsPerSecond())
                .put("outputTokensPerSecond", figures.outputTokensPerSecond())
                .put("totalTokensPerSecond", figures.totalTokensPerSecond());
        node.set("timeToFirstToken", quantiles(figures.timeToFirstToken()));
        node.set("interTokenLatency", quantiles(figures.interTokenLatency()));
        node.set("requestLatency", quantiles(figures.requestLatency()));
        ServingFigures.Memory memory = figures.memory();
        node.put("preemptions", figures.preemptions())
                .putObject("memory")
                .put("weightBytes", memory.weightBytes())
                .put("cacheBytes", memory.cacheBytes())
                .put("cacheTokens", memory.cacheTokens())
                .put("peakCacheTokens", memory.peakCacheTokens())
                .put("peakBytes", memory.peakBytes())
                .put("deviceBytes", memory.deviceBytes());
        return node;
    }

    private static ObjectNode quantiles(ServingFigures.Quantiles quantiles) {
        return NODES.objectNode()
                .put("meanMilliseconds", quantiles.mean())
                .put("p50Milliseconds", quantiles.p50())
                .put("p90Milliseconds", quantiles.p90())
                .put("p99Milliseconds", quantiles.p99());
    }

    /** Rates, times and memory of both. */
    public static List<Row> rows(BenchmarkResult result) {
        List<Row> rows = new ArrayList<>();
        add(rows, result, "requestsPerSecond", "/s", true, ServingFigures::requestsPerSecond);
        add(rows, result, "outputTokensPerSecond", "/s", true, ServingFigures::outputTokensPerSecond);
        add(rows, result, "totalTokensPerSecond", "/s", true, ServingFigures::totalTokensPerSecond);
        quantiles(rows, result, "timeToFirstToken", ServingFigures::timeToFirstToken);
        quantiles(rows, result, "interTokenLatency", ServingFigures::interTokenLatency);
        quantiles(rows, result, "requestLatency", ServingFigures::requestLatency);
        add(rows, result, "weightBytes", "B", false, figures -> figures.memory().weightBytes());
        add(rows, result, "cacheBytes", "B", false, figures -> figures.memory().cacheBytes());
        add(rows, result, "peakBytes", "B", false, figures -> figures.memory().peakBytes());
        add(rows, result, "deviceBytes", "B", false, figures -> figures.memory().deviceBytes());
        return rows;
    }

    private static void quantiles(
            List<Row> rows,
            BenchmarkResult result,
            String name,
            Function<ServingFigures, ServingFigures.Quantiles> of) {
        add(
                rows,
                result,
                name + ".p50",
                "ms",
                false,
                figures -> of.apply(figures).p50());
        add(
                rows,
                result,
                name + ".p90",
                "ms",
                false,
                figures -> of.apply(figures).p90());
        add(
                rows,
                result,
                name + ".p99",
                "ms",
                false,
                figures -> of.apply(figures).p99());
    }

    private static void add(
            List<Row> rows,
            BenchmarkResult result,
            String name,
            String unit,
            boolean moreIsBetter,
            ToDoubleFunction<ServingFigures> of) {
        rows.add(new Row(
                name, unit, of.applyAsDouble(result.baseline()), of.applyAsDouble(result.source()), moreIsBetter));
    }

    /** The table of vLLM's pull request #1112: a line for each model, and what it gained over the baseline. */
    public static List<List<String>> throughput(BenchmarkResult result) {
        List<List<String>> lines = new ArrayList<>();
        lines.add(List.of(
                "model", "throughput (tokens/s)", "throughput increase", "first token (ms)", "first token decrease"));
        for (boolean first : new boolean[] {true, false}) {
            ServingFigures figures = first ? result.baseline() : result.source();
            double gain = figures.outputTokensPerSecond() / result.baseline().outputTokensPerSecond();
            double wait = figures.timeToFirstToken().mean()
                    / result.baseline().timeToFirstToken().mean();
            lines.add(List.of(
                    figures.label(),
                    String.format(Locale.ROOT, "%.1f", figures.outputTokensPerSecond()),
                    first ? "" : String.format(Locale.ROOT, "%+.1f %%", (gain - 1) * 100),
                    String.format(
                            Locale.ROOT, "%.1f", figures.timeToFirstToken().mean()),
                    first ? "" : String.format(Locale.ROOT, "%+.1f %%", (1 - wait) * 100)));
        }
        return lines;
    }
}
