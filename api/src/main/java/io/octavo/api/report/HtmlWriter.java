package io.octavo.api.report;

import java.util.List;
import org.springframework.web.util.HtmlUtils;

/** Builds a page; every text goes through {@link #text}, which leaves no mark-up in it. */
final class HtmlWriter {

    private final StringBuilder html = new StringBuilder();

    /** Mark-up of ours. */
    HtmlWriter raw(String markup) {
        html.append(markup);
        return this;
    }

    /** Anybody's text. */
    HtmlWriter text(String text) {
        html.append(HtmlUtils.htmlEscape(printable(text), "UTF-8"));
        return this;
    }

    /** Without what would turn the text around, hide in it, or is no character of HTML. */
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

    HtmlWriter element(String tag, String text) {
        return raw("<" + tag + ">").text(text).raw("</" + tag + ">");
    }

    /** Opens a table whose first columns hold texts and whose last ones hold numbers. */
    void table(List<String> texts, String... numbers) {
        raw("<table>").cells("th", texts, numbers);
    }

    void row(List<String> texts, String... numbers) {
        cells("td", texts, numbers);
    }

    private void cells(String tag, List<String> texts, String... numbers) {
        raw("<tr>");
        texts.forEach(text -> element(tag, text));
        for (String number : numbers) {
            raw("<" + tag + " class=\"n\">").text(number).raw("</" + tag + ">");
        }
        raw("</tr>");
    }

    @Override
    public String toString() {
        return html.toString();
    }
}
