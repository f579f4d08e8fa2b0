package io.octavo.cli.command;

import io.octavo.cli.client.OctavoClient;
import picocli.CommandLine.Mixin;

/** A command that asks a server. Its methods that are commands of their own take its options, too. */
public abstract class ServerCommand extends TerminalCommand {

    @Mixin
    private final ServerOptions server = new ServerOptions();

    /** What is asked of a server. */
    @FunctionalInterface
    protected interface Question {
        /** @return the exit code */
        int ask(OctavoClient client) throws Exception;
    }

    @Override
    public Integer call() throws Exception {
        return ask(this::run);
    }

    protected final int ask(Question question) throws Exception {
        try (OctavoClient client = server.connect(environment())) {
            return question.ask(client);
        }
    }

    /** @return the exit code */
    protected abstract int run(OctavoClient client) throws Exception;
}
