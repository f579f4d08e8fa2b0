package io.octavo.cli;

import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ShowingCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "artifact",
        description = "Shows one artifact: label, files with their sha256, and where it comes from.",
        footer = "  octavo artifact 123e4567-e89b-12d3-a456-426614174000")
final class ArtifactCommand extends ShowingCommand {

    @Parameters(paramLabel = "ID", description = "The artifact.")
    private String id = "";

    @Override
    protected int run(OctavoClient client) throws Exception {
        Artifact artifact = client.artifact(Arguments.id(id));
        return show(artifact, JobText.details(artifact));
    }
}
