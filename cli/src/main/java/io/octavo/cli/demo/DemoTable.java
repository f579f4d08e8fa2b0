package io.octavo.cli.demo;

import io.octavo.cli.terminal.Quantity;
import java.util.Locale;

/** The demo's facts as a table for people. */
public final class DemoTable {

    private static final String ROW = "  %-18s %14s %14s   %s%n";

    private DemoTable() {}

    public static String render(DemoFacts facts) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "%n  %s, quantized to %s%n%n", facts.model(), facts.scheme()));
        text.append(String.format(Locale.ROOT, ROW, "", "original", "quantized", "")
                        .stripTrailing())
                .append('\n');
        row(
                text,
                "size",
                Quantity.bytes(facts.inputBytes()),
                Quantity.bytes(facts.outputBytes()),
                change((double) facts.outputBytes() / facts.inputBytes() - 1, "%"));
        String originalBits = facts.originalWeightBits().isPresent()
                ? facts.originalWeightBits().getAsInt() + " bits"
                : "unknown";
        row(text, "weights", originalBits, String.format(Locale.ROOT, "%.3g bits", facts.weightBits()), "");
        if (facts.evaluation() != null) {
            scores(text, facts.evaluation());
        }
        text.append('\n');
        line(text, "label", facts.label());
        line(text, "verified", verification(facts));
        line(text, "time", time(facts));
        line(text, "peak memory", Quantity.bytes(facts.peakRssBytes()) + " in the service's process");
        line(text, "artifact", facts.artifactUri());
        line(text, "folder", facts.artifactDir());
        if (facts.evaluationSkipped() != null) {
            line(text, "not evaluated", facts.evaluationSkipped());
        }
        if (facts.evaluation() != null) {
            text.append('\n');
            line(text, "prompt", facts.evaluation().prompt());
            line(text, "original", oneLine(facts.evaluation().originalText()));
            line(text, "quantized", oneLine(facts.evaluation().quantizedText()));
        }
        return text.toString();
    }

    private static void scores(StringBuilder text, Comparison scores) {
        Comparison.Pair perplexity = scores.perplexity();
        row(
                text,
                "perplexity",
                String.format(Locale.ROOT, "%.2f", perplexity.original()),
                String.format(Locale.ROOT, "%.2f", perplexity.quantized()),
                change(perplexity.quantized() / perplexity.original() - 1, "%"));
        Comparison.Pair accuracy = scores.clozeAccuracy();
        row(
                text,
                "cloze accuracy",
                Quantity.percent(accuracy.original()),
                Quantity.percent(accuracy.quantized()),
                change(accuracy.quantized() - accuracy.original(), "points"));
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

    private static void row(StringBuilder text, String name, String original, String quantized, String change) {
        text.append(String.format(Locale.ROOT, ROW, name, original, quantized, change)
                        .stripTrailing())
                .append('\n');
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append(String.format(Locale.ROOT, "  %-18s %s%n", name, value));
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
    }
}
