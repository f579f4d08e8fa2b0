package io.octavo.cli.command;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.terminal.Terminal;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/** A command that asks a server. Its methods that are commands of their own take its options, too. */
public abstract class ServerCommand implements Callable<Integer> {

    protected final Terminal terminal;

    @Mixin
    private final ServerOptions server;

    protected ServerCommand(Terminal terminal, ServerOptions server) {
        this.terminal = terminal;
        this.server = server;
    }

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
        try (OctavoClient client = server.connect()) {
            return question.ask(client);
        }
    }

    /** @return the exit code */
    protected abstract int run(OctavoClient client) throws Exception;
}
