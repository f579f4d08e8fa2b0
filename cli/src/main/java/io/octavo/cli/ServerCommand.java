package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.terminal.Terminal;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/** A command that asks a server. */
abstract class ServerCommand implements Callable<Integer> {

    final Terminal terminal;

    @Mixin
    private final ServerOptions server;

    ServerCommand(Terminal terminal, ServerOptions server) {
        this.terminal = terminal;
        this.server = server;
    }

    @Override
    public Integer call() throws Exception {
        try (OctavoClient client = server.connect()) {
            return run(client);
        }
    }

    /** @return the exit code */
    abstract int run(OctavoClient client) throws Exception;
}
