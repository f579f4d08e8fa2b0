package io.octavo.cli.terminal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Rows whose columns are as wide as what they hold, two blanks apart. Numbers go to the right. */
public final class TextTable {

    private static final String GAP = "  ";

    private final String alignment;
    private final String indent;
    private final List<List<String>> rows = new ArrayList<>();

    private TextTable(String alignment, String indent) {
        this.alignment = alignment;
        this.indent = indent;
    }

    /** @param alignment a letter a column: {@code l} or {@code r} for the side that its cells are at */
    public static TextTable of(String alignment) {
        return new TextTable(alignment, "");
    }

    /** Names and what they name. */
    public static TextTable facts() {
        return of("ll");
    }

    public TextTable indented() {
        return new TextTable(alignment, GAP);
    }

    /** Nothing where one of the cells is null. */
    public TextTable row(@Nullable Object... cells) {
        List<@Nullable Object> all = Arrays.asList(cells);
        if (!all.contains(null)) {
            rows.add(all.stream().map(String::valueOf).toList());
        }
        return this;
    }

    /** Lines without blanks at their ends. */
    @Override
    public String toString() {
        int[] widths = IntStream.range(0, alignment.length())
                .map(column -> rows.stream()
                        .mapToInt(row -> row.get(column).length())
                        .max()
                        .orElse(0))
                .toArray();
        return rows.stream()
                .map(row -> indent
                        + IntStream.range(0, widths.length)
                                .mapToObj(column -> cell(row.get(column), widths[column], alignment.charAt(column)))
                                .collect(Collectors.joining(GAP)))
                .map(String::stripTrailing)
                .collect(Collectors.joining("\n"));
    }

    private static String cell(String text, int width, char side) {
        String blanks = " ".repeat(width - text.length());
        return side == 'r' ? blanks + text : text + blanks;
    }
}
