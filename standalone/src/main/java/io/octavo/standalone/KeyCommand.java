package io.octavo.standalone;

import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.jobs.identity.KeyText;
import picocli.CommandLine.Command;

@Command(
        name = "key",
        description =
                "Draws an API key for OCTAVO_IDENTITY_BOOTSTRAPKEY: the first key of a service of your own. It works"
                        + " nowhere until a service is started with it.",
        footer = "  octavo key")
final class KeyCommand extends TerminalCommand {

    @Override
    public Integer call() {
        terminal().out().println(KeyText.draw().reveal());
        return ExitCode.OK;
    }
}
