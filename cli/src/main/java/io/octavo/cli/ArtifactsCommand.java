package io.octavo.cli;

import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import io.octavo.wire.Page;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "artifacts", mixinStandardHelpOptions = true, description = "Lists artifacts, the newest first.")
final class ArtifactsCommand implements Callable<Integer> {

    private final Terminal terminal;

    @Mixin
    private final ServerOptions server;

    @Option(names = "--limit", paramLabel = "N", description = "At most so many. Default: ${DEFAULT-VALUE}.")
    private int limit = 20;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    ArtifactsCommand(Terminal terminal, ServerOptions server) {
        this.terminal = terminal;
        this.server = server;
    }

    @Override
    public Integer call() throws Exception {
        try (OctavoClient client = server.connect()) {
            Page<Artifact> page = client.artifacts(limit);
            terminal.out().println(json ? WireJson.pretty(page.items()) : JobText.artifactTable(page.items()));
            return ExitCode.OK;
        }
    }
}
