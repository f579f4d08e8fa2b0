package io.octavo.cli;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.ListingCommand;
import io.octavo.cli.command.RepositoryReference;
import java.util.Collections;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "repos",
        description = "Lists repositories by name; shows and deletes them and their revisions.",
        footer = {
            "  octavo repos --search books",
            "  octavo repos revisions octavo/books-5m",
            "  octavo repos retention octavo/books-5m 30",
            "  octavo repos delete octavo/books-5m"
        })
final class ReposCommand extends ListingCommand {

    private static final ItemTable TABLE = new ItemTable()
            .text("NAME", "/name")
            .bytes("SIZE", "/sizeBytes")
            .time("CREATED", "/createdAt")
            .text("KEPT DAYS", "/retentionDays")
            .text("NEWEST", "/revision");

    private static final ItemTable REVISIONS = new ItemTable()
            .text("REVISION", "/id")
            .time("CREATED", "/createdAt")
            .text("MESSAGE", "/message");

    @Option(names = "--search", paramLabel = "TEXT", description = "Only those whose names hold this.")
    private @Nullable String search;

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(client.list(CallPath.of("repositories").with("search", search), limit()), TABLE::of);
    }

    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = "Shows a repository, or a revision with its files.",
            footer = {"  octavo repos show octavo/books-5m", "  octavo repos show octavo/books-5m@main"})
    int show(@Parameters(paramLabel = "NS/NAME[@REV]", description = "The repository.") String reference)
            throws Exception {
        return ask(client -> showFacts(client.get(path(reference))));
    }

    @Command(
            name = "revisions",
            mixinStandardHelpOptions = true,
            description = "Lists a repository's revisions, the newest first.",
            footer = "  octavo repos revisions octavo/books-5m --search Push")
    int revisions(
            @Parameters(paramLabel = "NS/NAME", description = "The repository.") String name,
            @Option(names = "--search", paramLabel = "TEXT", description = "Only those whose messages hold this.")
                    @Nullable String text,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            defaultValue = "20",
                            description = "At most so many. Default: ${DEFAULT-VALUE}.")
                    int most)
            throws Exception {
        CallPath path = CallPath.of(Arguments.repository(name), "revisions").with("search", text);
        return ask(client -> showPage(client.list(path, Arguments.limit(most)), REVISIONS::of));
    }

    @Command(
            name = "retention",
            mixinStandardHelpOptions = true,
            description = "Says after how many days revisions but the newest are deleted.",
            footer = {"  octavo repos retention octavo/books-5m 30", "  octavo repos retention octavo/books-5m"})
    int retention(
            @Parameters(paramLabel = "NS/NAME", description = "The repository.") String name,
            @Parameters(arity = "0..1", paramLabel = "DAYS", description = "Default: never.") @Nullable Integer days)
            throws Exception {
        return ask(client -> showFacts(client.put(
                CallPath.of(Arguments.repository(name), "retention"), Collections.singletonMap("maxAgeDays", days))));
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes a repository, or one of its revisions; what nothing else needs is collected later.",
            footer = {"  octavo repos delete octavo/books-5m@main", "  octavo repos delete octavo/books-5m"})
    int remove(@Parameters(paramLabel = "NS/NAME[@REV]", description = "What to delete.") String reference)
            throws Exception {
        return delete(path(reference), reference);
    }

    private static CallPath path(String reference) {
        RepositoryReference named = RepositoryReference.parse(reference);
        return named.revision()
                .map(revision -> CallPath.of(named.name(), "revisions", revision))
                .orElseGet(() -> CallPath.of(named.name()));
    }
}
