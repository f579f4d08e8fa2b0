package io.octavo.cli.command;

import io.octavo.cli.terminal.Terminal;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ParentCommand;

/** A command below a {@link CommandRoot}, which picocli gives it before it runs. */
public abstract class TerminalCommand implements Callable<Integer> {

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private CommandRoot root;

    protected final Terminal terminal() {
        return root.terminal;
    }

    protected final Map<String, String> environment() {
        return root.environment;
    }
}
