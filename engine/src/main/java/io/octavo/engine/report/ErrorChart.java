package io.octavo.engine.report;

import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * A chart of errors by layer as SVG: a line for each name, layers to the right, relative errors in percent upwards from zero.
 * Nothing in it is fetched from elsewhere, and it reads on light and dark pages.
 */
public final class ErrorChart {

    private static final int WIDTH = 860;
    private static final int HEIGHT = 420;
    private static final int LEFT = 56;
    private static final int RIGHT = 190;
    private static final int TOP = 40;
    private static final int BOTTOM = 48;
    private static final int MOST_TICKS = 16;

    /** Colors that people with a colour-blind eye tell apart (Okabe and Ito). */
    private static final String[] COLORS = {
        "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8a6d3b", "#666666"
    };

    private final StringBuilder svg = new StringBuilder();
    private final double top;
    private final int first;
    private final int last;

    private ErrorChart(SortedMap<String, ? extends SortedMap<Integer, Double>> lines) {
        var layers = new TreeSet<Integer>();
        double largest = 0;
        for (SortedMap<Integer, Double> line : lines.values()) {
            layers.addAll(line.keySet());
            largest = Math.max(
                    largest,
                    line.values().stream().mapToDouble(error -> error).max().orElse(0));
        }
        this.first = layers.isEmpty() ? 0 : layers.first();
        this.last = layers.isEmpty() ? 0 : layers.last();
        this.top = roundUp(largest * 100);
    }

    /**
     * @param title such as an artifact's name and label
     * @param lines by name and layer: relative errors, 0.05 being 5 percent
     */
    public static String svg(String title, SortedMap<String, ? extends SortedMap<Integer, Double>> lines) {
        return new ErrorChart(lines).draw(title, lines);
    }

    private String draw(String title, SortedMap<String, ? extends SortedMap<Integer, Double>> lines) {
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\""
                        + " font-size=\"12\" fill=\"#777\">",
                WIDTH, HEIGHT, WIDTH, HEIGHT);
        text(LEFT, TOP - 18, "start", title + " (relative error in percent)");
        axes();
        int number = 0;
        for (var line : lines.entrySet()) {
            line(line.getKey(), line.getValue(), COLORS[number % COLORS.length], number);
            number++;
        }
        add("</svg>");
        return svg.toString();
    }

    private void axes() {
        for (int i = 0; i <= 4; i++) {
            double percent = top * i / 4;
            add(
                    "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#999\" stroke-opacity=\"0.35\"/>",
                    LEFT, y(percent), WIDTH - RIGHT, y(percent));
            text(LEFT - 6, y(percent) + 4, "end", String.format(Locale.ROOT, "%.3g", percent));
        }
        int step = Math.max(1, (last - first) / MOST_TICKS + 1);
        for (int layer = first; layer <= last; layer += step) {
            text(x(layer), HEIGHT - BOTTOM + 18, "middle", Integer.toString(layer));
        }
        text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, "middle", "layer");
    }

    private void line(String name, SortedMap<Integer, Double> errors, String color, int number) {
        var points = new StringBuilder();
        errors.forEach(
                (layer, error) -> points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(layer), y(error * 100))));
        add(
                "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\"/>",
                points.toString().strip(), color);
        errors.forEach((layer, error) -> add(
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" fill=\"%s\"><title>%s</title></circle>",
                x(layer),
                y(error * 100),
                color,
                escaped(String.format(Locale.ROOT, "%s, layer %d: %.2f %%", name, layer, error * 100))));
        double at = TOP + 8 + 18.0 * number;
        add("<rect x=\"%d\" y=\"%.1f\" width=\"12\" height=\"3\" fill=\"%s\"/>", WIDTH - RIGHT + 14, at - 4, color);
        text(WIDTH - RIGHT + 32, at, "start", name);
    }

    private double x(int layer) {
        double share = last == first ? 0.5 : (double) (layer - first) / (last - first);
        return LEFT + 10 + share * (WIDTH - LEFT - RIGHT - 20);
    }

    private double y(double percent) {
        return HEIGHT - BOTTOM - percent / top * (HEIGHT - TOP - BOTTOM);
    }

    /** The next number whose quarters are round. */
    private static double roundUp(double percent) {
        if (!(percent > 0) || Double.isInfinite(percent)) {
            return 1;
        }
        double power = Math.pow(10, Math.floor(Math.log10(percent)));
        for (double factor : new double[] {1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8}) {
            if (percent <= factor * power) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    private void text(double x, double y, String anchor, String text) {
        add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", x, y, anchor, escaped(text));
    }

    @SuppressWarnings("AnnotateFormatMethod") // The annotation would be a dependency for one private method.
    private void add(String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    /** Names come from files that anybody may have written. */
    static String escaped(String text) {
        var safe = new StringBuilder();
        text.codePoints().forEach(character -> {
            switch (character) {
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '&' -> safe.append("&amp;");
                case '"' -> safe.append("&quot;");
                default ->
                    safe.appendCodePoint(
                            character < ' ' || Character.getType(character) == Character.SURROGATE
                                    ? '\uFFFD'
                                    : character);
            }
        });
        return safe.toString();
    }
}
