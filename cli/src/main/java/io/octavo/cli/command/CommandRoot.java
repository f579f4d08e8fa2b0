package io.octavo.cli.command;

import io.octavo.cli.terminal.Terminal;
import java.util.Map;

/**
 * What all commands of one command line have in common.
 *
 * @see TerminalCommand
 */
public abstract class CommandRoot {

    final Terminal terminal;
    final Map<String, String> environment;

    /** @param environment the process's environment variables */
    protected CommandRoot(Terminal terminal, Map<String, String> environment) {
        this.terminal = terminal;
        this.environment = environment;
    }
}
