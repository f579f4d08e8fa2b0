package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ShowingCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.transfer.RepositoryPush;
import io.octavo.wire.RevisionView;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "push",
        description = "Uploads a folder as a new revision of a repository and prints the revision."
                + " Only contents that the service does not have yet are sent.",
        footer = {
            "  octavo push examples/models/books-5m octavo/books-5m",
            "  octavo push examples/data octavo/books-eval -m 'Texts to score'"
        })
final class PushCommand extends ShowingCommand {

    @Parameters(index = "0", paramLabel = "DIR", description = "The folder: a model, or data sets.")
    private Path folder = Path.of("");

    @Parameters(index = "1", paramLabel = "NS/NAME", description = "The repository; it is created when it is new.")
    private String repository = "";

    @Option(
            names = {"-m", "--message"},
            paramLabel = "TEXT",
            description = "What the revision is about.")
    private @Nullable String message;

    @Override
    protected int run(OctavoClient client) throws Exception {
        var name = Arguments.repository(repository);
        if (!Files.isDirectory(folder)) {
            throw new UsageException(folder + " is not a folder");
        }
        String why = message != null
                ? message
                : "Push of " + folder.toAbsolutePath().normalize().getFileName();
        RevisionView revision;
        try (var progress = new LiveProgress(terminal())) {
            revision = new RepositoryPush(client, new TransferProgress(progress, name.name())).push(folder, name, why);
        }
        return show(revision, "hub:" + name + "@" + revision.id());
    }
}
