package io.octavo.cli;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import picocli.CommandLine.Option;

/** A command that prints what the server told, for people or as JSON. */
abstract class ShowingCommand extends ServerCommand {

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    ShowingCommand(Terminal terminal, ServerOptions server) {
        super(terminal, server);
    }

    int show(Object told, String text) {
        terminal.out().println(json ? WireJson.pretty(told) : text);
        return ExitCode.OK;
    }
}
