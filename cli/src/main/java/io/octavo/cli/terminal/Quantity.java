package io.octavo.cli.terminal;

import java.time.Duration;
import java.util.Locale;

/** Amounts as people read them: decimal units, three significant digits or so. */
public final class Quantity {

    private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB"};

    private Quantity() {}

    public static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
            value /= 1000;
            unit++;
        }
        String number = unit == 0 || Math.abs(value) >= 99.95
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, "%.1f", value);
        return number + " " + UNITS[unit];
    }

    public static String seconds(double seconds) {
        if (seconds < 100) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        Duration whole = Duration.ofSeconds(Math.round(seconds));
        return whole.toHours() > 0
                ? String.format(Locale.ROOT, "%d h %02d min", whole.toHours(), whole.toMinutesPart())
                : String.format(Locale.ROOT, "%d min %02d s", whole.toMinutes(), whole.toSecondsPart());
    }

    public static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", share * 100);
    }
}
