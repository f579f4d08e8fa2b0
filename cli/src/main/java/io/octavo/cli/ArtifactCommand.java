package io.octavo.cli;

import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "artifact",
        mixinStandardHelpOptions = true,
        description = "Shows one artifact: label, files with their sha256, and where it comes from.")
final class ArtifactCommand implements Callable<Integer> {

    private final Terminal terminal;

    @Mixin
    private final ServerOptions server;

    @Parameters(paramLabel = "ID", description = "The artifact.")
    private String id = "";

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    ArtifactCommand(Terminal terminal, ServerOptions server) {
        this.terminal = terminal;
        this.server = server;
    }

    @Override
    public Integer call() throws Exception {
        var artifactId = Arguments.id(id);
        try (OctavoClient client = server.connect()) {
            Artifact artifact = client.artifact(artifactId);
            terminal.out().println(json ? WireJson.pretty(artifact) : JobText.details(artifact));
            return ExitCode.OK;
        }
    }
}
