package io.octavo.cli.terminal;

import java.util.Locale;

/**
 * Progress through named tasks. On a terminal one line is rewritten in place; elsewhere each task gives a line when it
 * begins and one for every further tenth. Thread-safe.
 */
public final class LiveProgress implements AutoCloseable {

    private static final int BAR_CELLS = 24;
    private static final long SHORTEST_REDRAW_NANOS = 80_000_000;
    private static final String CLEAR_LINE = "\r\u001b[K";

    private final Terminal terminal;
    private String task = "";
    private int tenth = -1;
    private long lastDraw;
    private boolean lineOpen;

    public LiveProgress(Terminal terminal) {
        this.terminal = terminal;
    }

    /**
     * @param name what is being done; a new name begins a new task
     * @param fraction share of it that is done, 0 to 1
     * @param note shown behind the bar
     */
    public synchronized void update(String name, double fraction, String note) {
        double done = Math.clamp(fraction, 0.0, 1.0);
        boolean begins = !name.equals(task);
        if (begins) {
            finishTask();
            task = name;
        }
        if (terminal.interactive()) {
            draw(begins || done >= 1, done, note);
        } else {
            printTenth(done, note);
        }
    }

    /** Prints a line of its own that stays. */
    public synchronized void line(String text) {
        if (lineOpen) {
            terminal.err().print(CLEAR_LINE);
            lineOpen = false;
        }
        terminal.err().println(text);
        terminal.err().flush();
    }

    private void draw(boolean atOnce, double done, String note) {
        long now = System.nanoTime();
        if (!atOnce && now - lastDraw < SHORTEST_REDRAW_NANOS) {
            return;
        }
        lastDraw = now;
        lineOpen = true;
        int filled = (int) Math.round(done * BAR_CELLS);
        String bar = "█".repeat(filled) + "░".repeat(BAR_CELLS - filled);
        String line = String.format(Locale.ROOT, "  %-22s %s %3.0f %%  %s", task, bar, done * 100, note);
        terminal.err().print(CLEAR_LINE + line.substring(0, Math.min(line.length(), terminal.columns() - 1)));
        terminal.err().flush();
    }

    private void printTenth(double done, String note) {
        int now = (int) Math.floor(done * 10 + 1e-9);
        if (now > tenth) {
            tenth = now;
            String line = String.format(Locale.ROOT, "  %-22s %3d %%  %s", task, now * 10, note);
            terminal.err().println(line.stripTrailing());
            terminal.err().flush();
        }
    }

    private void finishTask() {
        tenth = -1;
        if (lineOpen) {
            terminal.err().println();
            lineOpen = false;
        }
    }

    /** Leaves the terminal at the beginning of a fresh line. */
    public synchronized void finish() {
        finishTask();
        task = "";
        terminal.err().flush();
    }

    @Override
    public void close() {
        finish();
    }
}
