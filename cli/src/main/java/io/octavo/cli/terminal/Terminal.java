package io.octavo.cli.terminal;

import java.io.PrintStream;

/**
 * Where output goes.
 *
 * @param out results, for people and for pipes
 * @param err progress and errors
 * @param interactive whether {@code err} is a terminal whose line can be rewritten
 * @param columns width of that terminal
 */
public record Terminal(PrintStream out, PrintStream err, boolean interactive, int columns) {

    private static final int DEFAULT_COLUMNS = 100;

    public Terminal {
        columns = Math.max(40, columns);
    }

    /**
     * The process's own streams. The launcher says through {@code octavo.terminal} whether standard error is a terminal,
     * which the JVM alone cannot tell, and through {@code octavo.one-stream} that it leads to where standard output does:
     * all goes there in order then, while the launcher looks through standard error line by line.
     */
    public static Terminal system() {
        return new Terminal(
                System.out,
                Boolean.getBoolean("octavo.one-stream") ? System.out : System.err,
                Boolean.getBoolean("octavo.terminal"),
                Integer.getInteger("octavo.columns", DEFAULT_COLUMNS));
    }
}
