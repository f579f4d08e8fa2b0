package io.octavo.cli.command;

import picocli.CommandLine.Mixin;

/** A command that lists what there is, the newest first. */
public abstract class ListingCommand extends ShowingCommand {

    @Mixin
    private final LimitOption limit = new LimitOption();

    protected int limit() {
        return limit.value();
    }
}
