package io.octavo.cli;

import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.terminal.Terminal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "artifact",
        mixinStandardHelpOptions = true,
        description = "Shows one artifact: label, files with their sha256, and where it comes from.")
final class ArtifactCommand extends ShowingCommand {

    @Parameters(paramLabel = "ID", description = "The artifact.")
    private String id = "";

    ArtifactCommand(Terminal terminal, ServerOptions server) {
        super(terminal, server);
    }

    @Override
    int run(OctavoClient client) throws Exception {
        Artifact artifact = client.artifact(Arguments.id(id));
        return show(artifact, JobText.details(artifact));
    }
}
