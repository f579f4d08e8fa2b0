package io.octavo.cli.demo;

import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.terminal.TextTable;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The demo's facts as a table for people. */
public final class DemoTable {

    private DemoTable() {}

    public static String render(DemoFacts facts) {
        Comparison scores = facts.evaluation();
        TextTable lines = TextTable.facts()
                .indented()
                .row("label", facts.label())
                .row("verified", verification(facts))
                .row("time", time(facts))
                .row("peak memory", Quantity.bytes(facts.peakRssBytes()) + " in the service's process")
                .row("artifact", facts.artifactUri())
                .row("folder", facts.artifactDir())
                .row("not evaluated", facts.evaluationSkipped());
        String texts = scores == null
                ? ""
                : "\n\n"
                        + TextTable.facts()
                                .indented()
                                .row("prompt", scores.prompt())
                                .row("original", oneLine(scores.originalText()))
                                .row("quantized", oneLine(scores.quantizedText()));
        return "\n  %s, quantized to %s\n\n%s\n\n%s%s\n"
                .formatted(facts.model(), facts.scheme(), numbers(facts, scores), lines, texts);
    }

    private static TextTable numbers(DemoFacts facts, @Nullable Comparison scores) {
        String originalBits = facts.originalWeightBits().isPresent()
                ? facts.originalWeightBits().getAsInt() + " bits"
                : "unknown";
        TextTable table = TextTable.of("lrrl")
                .indented()
                .row("", "original", "quantized", "")
                .row(
                        "size",
                        Quantity.bytes(facts.inputBytes()),
                        Quantity.bytes(facts.outputBytes()),
                        change((double) facts.outputBytes() / facts.inputBytes() - 1, "%"))
                .row("weights", originalBits, String.format(Locale.ROOT, "%.3g bits", facts.weightBits()), "");
        if (scores != null) {
            Comparison.Pair perplexity = scores.perplexity();
            Comparison.Pair accuracy = scores.clozeAccuracy();
            table.row(
                            "perplexity",
                            String.format(Locale.ROOT, "%.2f", perplexity.original()),
                            String.format(Locale.ROOT, "%.2f", perplexity.quantized()),
                            change(perplexity.quantized() / perplexity.original() - 1, "%"))
                    .row(
                            "cloze accuracy",
                            Quantity.percent(accuracy.original()),
                            Quantity.percent(accuracy.quantized()),
                            change(accuracy.quantized() - accuracy.original(), "points"));
        }
        return table;
    }

    private static String verification(DemoFacts facts) {
        String what =
                facts.quantizedModules() + " modules read back and compared with the source, files' sha256 checked";
        return facts.verified() ? "yes: " + what : "NO: the service's self-check did not pass";
    }

    private static String time(DemoFacts facts) {
        String quantize = Quantity.seconds(facts.quantizeSeconds()) + " to quantize and verify";
        String evaluate = facts.evaluation() == null
                ? ""
                : ", " + Quantity.seconds(facts.evaluation().seconds()) + " to score both models";
        return quantize + evaluate + ", " + Quantity.seconds(facts.seconds()) + " in all";
    }

    private static String change(double share, String unit) {
        return String.format(Locale.ROOT, "%+.2f %s", share * 100, unit);
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
    }
}
