package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.RetryPolicy;
import io.octavo.cli.command.RepositoryReference;
import io.octavo.cli.command.ShowingCommand;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.transfer.RepositoryPull;
import io.octavo.wire.RevisionView;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "pull",
        description = "Downloads a revision into a folder and verifies every file by its sha256."
                + " Files that are there already with the right contents are kept, with others only --overwrite replaces"
                + " them; a cut-off download goes on.",
        footer = {"  octavo pull octavo/books-5m ./books", "  octavo pull octavo/books-5m@main ./books --overwrite"})
final class PullCommand extends ShowingCommand {

    @Parameters(
            index = "0",
            paramLabel = "NS/NAME[@REV]",
            description = "The repository and, unless its newest one is wanted, the revision.")
    private String reference = "";

    @Parameters(index = "1", paramLabel = "DIR", description = "The folder; it is created when it is missing.")
    private Path folder = Path.of("");

    @Option(
            names = {"--overwrite", "--force"},
            description = "Replaces files that are there with other contents than the revision's.")
    private boolean overwrite;

    @Override
    protected int run(OctavoClient client) throws Exception {
        RepositoryReference named = RepositoryReference.parse(reference);
        RevisionView revision;
        try (var progress = new LiveProgress(terminal())) {
            revision = new RepositoryPull(
                            client,
                            RetryPolicy.DEFAULT,
                            new TransferProgress(progress, named.name().name()))
                    .pull(
                            named.name(),
                            named.revisionOrMain(),
                            folder,
                            overwrite ? RepositoryPull.Existing.REPLACE : RepositoryPull.Existing.KEEP);
        }
        return show(
                revision,
                "hub:" + named.name() + "@" + revision.id() + " -> " + folder + " ("
                        + revision.files().size() + " files, verified)");
    }
}
