package io.octavo.standalone;

import io.octavo.cli.command.ExitCode;
import io.octavo.cli.terminal.Terminal;
import io.octavo.jobs.identity.KeyText;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "key",
        mixinStandardHelpOptions = true,
        description =
                "Draws an API key for OCTAVO_IDENTITY_BOOTSTRAPKEY: the first key of a service of your own. It works"
                        + " nowhere until a service is started with it.",
        footer = {"", "Examples:", "  octavo key"})
final class KeyCommand implements Callable<Integer> {

    private final Terminal terminal;

    KeyCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        terminal.out().println(KeyText.draw().reveal());
        return ExitCode.OK;
    }
}
