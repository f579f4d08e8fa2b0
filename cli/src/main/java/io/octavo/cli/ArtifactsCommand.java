package io.octavo.cli;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ListingCommand;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "artifacts",
        description = "Lists artifacts, the newest first; deletes them.",
        footer = {"  octavo artifacts --search books", "  octavo artifacts delete 123e4567-e89b-12d3-a456-426614174000"
        })
final class ArtifactsCommand extends ListingCommand {

    @Option(names = "--search", paramLabel = "TEXT", description = "Only those whose names or labels hold this.")
    private @Nullable String search;

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(
                client.artifacts(CallPath.of("artifacts").with("search", search), limit()), JobText::artifactTable);
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes an artifact with the revision that it was written as.",
            footer = "  octavo artifacts delete 123e4567-e89b-12d3-a456-426614174000")
    int remove(@Parameters(paramLabel = "ID", description = "The artifact.") String id) throws Exception {
        return delete(CallPath.of("artifacts", Arguments.id(id)), "artifact " + id);
    }
}
