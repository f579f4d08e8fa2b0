package io.octavo.cli.command;

import picocli.CommandLine.Option;

/** A command that lists what there is, the newest first. */
public abstract class ListingCommand extends ShowingCommand {

    @Option(names = "--limit", paramLabel = "N", description = "At most so many. Default: ${DEFAULT-VALUE}.")
    private int limit = 20;

    protected int limit() {
        return Arguments.limit(limit);
    }
}
