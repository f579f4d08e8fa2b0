package io.octavo.engine.report;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * A chart of size against quality as SVG: a point for each model, bytes to the right, a score upwards, and a line through
 * those that no other one beats in both. Nothing in it is fetched from elsewhere, and it reads on light and dark pages.
 */
public final class QualityChart {

    private static final int WIDTH = 860;
    private static final int HEIGHT = 480;
    private static final int LEFT = 72;
    private static final int RIGHT = 24;
    private static final int TOP = 44;
    private static final int BOTTOM = 52;
    private static final int TICKS = 5;
    private static final double MARGIN = 0.08;

    /** @param value the score */
    public record Point(String name, long bytes, double value) {}

    private final StringBuilder svg = new StringBuilder();
    private final Axis sizes;
    private final Axis scores;

    private QualityChart(List<Point> points) {
        this.sizes = Axis.of(points.stream().mapToDouble(Point::bytes).toArray());
        this.scores = Axis.of(points.stream().mapToDouble(Point::value).toArray());
    }

    /** The ends of an axis, a little beyond what lies on it. */
    private record Axis(double from, double to) {

        static Axis of(double[] values) {
            double least = Double.POSITIVE_INFINITY;
            double most = Double.NEGATIVE_INFINITY;
            for (double value : values) {
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
            if (values.length == 0) {
                return new Axis(0, 1);
            }
            double room = most > least ? (most - least) * MARGIN : Math.max(Math.abs(most), 1) * MARGIN;
            return new Axis(least - room, most + room);
        }

        double share(double value) {
            return (value - from) / (to - from);
        }

        double at(double share) {
            return from + share * (to - from);
        }
    }

    /**
     * @param title such as the name of what all were made of
     * @param score what goes upwards, such as {@code recovery}
     * @param moreIsBetter whether a greater score is the better one
     * @param points all finite
     */
    public static String svg(String title, String score, boolean moreIsBetter, List<Point> points) {
        return new QualityChart(points).draw(title, score, moreIsBetter, points);
    }

    /** Those that no other one beats in size without losing in score, the smallest first. */
    public static List<Point> frontier(List<Point> points, boolean moreIsBetter) {
        double sign = moreIsBetter ? 1 : -1;
        return points.stream()
                .filter(point -> points.stream()
                        .noneMatch(other -> other.bytes() <= point.bytes()
                                && sign * other.value() >= sign * point.value()
                                && (other.bytes() < point.bytes() || other.value() != point.value())))
                .sorted(Comparator.comparingLong(Point::bytes))
                .toList();
    }

    private String draw(String title, String score, boolean moreIsBetter, List<Point> points) {
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\""
                        + " font-family=\"sans-serif\" font-size=\"12\" fill=\"#777\">\n",
                WIDTH,
                HEIGHT,
                WIDTH,
                HEIGHT));
        text(LEFT, TOP - 20, "start", title + ": size against " + score + (moreIsBetter ? "" : " (less is better)"));
        for (int i = 0; i <= TICKS; i++) {
            double share = (double) i / TICKS;
            double y = y(scores.at(share));
            line(LEFT, y, WIDTH - RIGHT, y, "#999", "stroke-opacity=\"0.35\"");
            text(LEFT - 6, y + 4, "end", String.format(Locale.ROOT, "%.4g", scores.at(share)));
            text(x(sizes.at(share)), HEIGHT - BOTTOM + 20, "middle", bytes(sizes.at(share)));
        }
        text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, "middle", "bytes of weights");
        List<Point> best = frontier(points, moreIsBetter);
        for (int i = 1; i < best.size(); i++) {
            line(
                    x((double) best.get(i - 1).bytes()),
                    y(best.get(i - 1).value()),
                    x((double) best.get(i).bytes()),
                    y(best.get(i).value()),
                    "#0072b2",
                    "stroke-width=\"1.5\" stroke-dasharray=\"4 3\"");
        }
        points.forEach(point -> point(point, best.contains(point)));
        return svg.append("</svg>\n").toString();
    }

    private void point(Point point, boolean best) {
        double x = x((double) point.bytes());
        double y = y(point.value());
        svg.append(String.format(
                Locale.ROOT,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" fill=\"%s\"><title>%s</title></circle>\n",
                x,
                y,
                best ? "#0072b2" : "#e69f00",
                ErrorChart.escaped(String.format(
                        Locale.ROOT, "%s: %s, %.5g", point.name(), bytes((double) point.bytes()), point.value()))));
        boolean right = x > (LEFT + WIDTH - RIGHT) / 2.0;
        text(right ? x - 9 : x + 9, y - 7, right ? "end" : "start", point.name());
    }

    private void line(double fromX, double fromY, double toX, double toY, String color, String more) {
        svg.append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" %s/>\n",
                fromX,
                fromY,
                toX,
                toY,
                color,
                more));
    }

    private void text(double x, double y, String anchor, String text) {
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
                x,
                y,
                anchor,
                ErrorChart.escaped(text)));
    }

    private double x(double bytes) {
        return LEFT + sizes.share(bytes) * (WIDTH - LEFT - RIGHT);
    }

    private double y(double value) {
        return HEIGHT - BOTTOM - scores.share(value) * (HEIGHT - TOP - BOTTOM);
    }

    private static String bytes(double count) {
        if (Math.abs(count) >= 1e9) {
            return String.format(Locale.ROOT, "%.2f GB", count / 1e9);
        }
        return Math.abs(count) >= 1e6
                ? String.format(Locale.ROOT, "%.2f MB", count / 1e6)
                : String.format(Locale.ROOT, "%.1f kB", count / 1e3);
    }
}
