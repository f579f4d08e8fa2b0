package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.terminal.Terminal;
import io.octavo.cli.transfer.RepositoryPush;
import io.octavo.wire.RevisionView;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "push",
        mixinStandardHelpOptions = true,
        description = "Uploads a folder as a new revision of a repository and prints the revision."
                + " Only contents that the service does not have yet are sent.")
final class PushCommand implements Callable<Integer> {

    private final Terminal terminal;

    @Mixin
    private final ServerOptions server;

    @Parameters(index = "0", paramLabel = "DIR", description = "The folder: a model, or data sets.")
    private Path folder = Path.of("");

    @Parameters(index = "1", paramLabel = "NS/NAME", description = "The repository; it is created when it is new.")
    private String repository = "";

    @Option(
            names = {"-m", "--message"},
            paramLabel = "TEXT",
            description = "What the revision is about.")
    private @Nullable String message;

    @Option(names = "--json", description = "Prints the revision as JSON.")
    private boolean json;

    PushCommand(Terminal terminal, ServerOptions server) {
        this.terminal = terminal;
        this.server = server;
    }

    @Override
    public Integer call() throws Exception {
        var name = Arguments.repository(repository);
        if (!Files.isDirectory(folder)) {
            throw new UsageException(folder + " is not a folder");
        }
        String why = message != null
                ? message
                : "Push of " + folder.toAbsolutePath().normalize().getFileName();
        RevisionView revision;
        try (OctavoClient client = server.connect();
                var progress = new LiveProgress(terminal)) {
            revision = new RepositoryPush(client, new TransferProgress(progress, name.name())).push(folder, name, why);
        }
        terminal.out().println(json ? WireJson.pretty(revision) : "hub:" + name + "@" + revision.id());
        return ExitCode.OK;
    }
}
