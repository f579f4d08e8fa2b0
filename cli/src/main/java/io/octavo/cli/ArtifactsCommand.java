package io.octavo.cli;

import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.terminal.Terminal;
import io.octavo.wire.Page;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "artifacts", mixinStandardHelpOptions = true, description = "Lists artifacts, the newest first.")
final class ArtifactsCommand extends ShowingCommand {

    @Option(names = "--limit", paramLabel = "N", description = "At most so many. Default: ${DEFAULT-VALUE}.")
    private int limit = 20;

    ArtifactsCommand(Terminal terminal, ServerOptions server) {
        super(terminal, server);
    }

    @Override
    int run(OctavoClient client) throws Exception {
        Page<Artifact> page = client.artifacts(limit);
        return show(page.items(), JobText.artifactTable(page.items()));
    }
}
