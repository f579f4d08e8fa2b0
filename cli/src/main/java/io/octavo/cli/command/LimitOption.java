package io.octavo.cli.command;

import picocli.CommandLine.Option;

/** How much a command lists. */
public final class LimitOption {

    @Option(names = "--limit", paramLabel = "N", description = "At most so many. Default: ${DEFAULT-VALUE}.")
    private int limit = 20;

    public int value() {
        if (limit < 1) {
            throw new UsageException("--limit: " + limit + " is not a positive number");
        }
        return limit;
    }
}
