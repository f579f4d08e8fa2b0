package io.octavo.cli;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.LimitOption;
import io.octavo.cli.command.ListingCommand;
import io.octavo.cli.command.RepositoryReference;
import java.util.Collections;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "repos",
        description = "Lists repositories by name; shows, deletes and restores them and their revisions.",
        footer = {
            "  octavo repos --search books",
            "  octavo repos revisions octavo/books-5m",
            "  octavo repos retention octavo/books-5m 30",
            "  octavo repos delete octavo/books-5m",
            "  octavo repos --deleted",
            "  octavo repos restore octavo/books-5m"
        })
final class ReposCommand extends ListingCommand {

    private static final ItemTable TABLE = new ItemTable()
            .text("NAME", "/name")
            .bytes("SIZE", "/sizeBytes")
            .time("CREATED", "/createdAt")
            .text("KEPT DAYS", "/retentionDays")
            .text("NEWEST", "/revision");

    private static final ItemTable DELETED = new ItemTable()
            .text("NAME", "/name")
            .bytes("SIZE", "/sizeBytes")
            .time("DELETED", "/deletion/deletedAt")
            .time("RESTORABLE UNTIL", "/deletion/restorableUntil")
            .text("NEWEST", "/revision");

    private static final ItemTable REVISIONS = new ItemTable()
            .text("REVISION", "/id")
            .time("CREATED", "/createdAt")
            .text("MESSAGE", "/message");

    private static final ItemTable DELETED_REVISIONS = new ItemTable()
            .text("REVISION", "/id")
            .time("DELETED", "/deletion/deletedAt")
            .time("RESTORABLE UNTIL", "/deletion/restorableUntil")
            .text("MESSAGE", "/message");

    @Option(names = "--deleted", description = "Those that were deleted and can be restored.")
    private boolean deleted;

    @Option(names = "--search", paramLabel = "TEXT", description = "Only those whose names hold this.")
    private @Nullable String search;

    @Override
    protected int run(OctavoClient client) throws Exception {
        CallPath path = deleted(CallPath.of("repositories").with("search", search), deleted);
        return showPage(client.list(path, limit()), (deleted ? DELETED : TABLE)::of);
    }

    private static CallPath deleted(CallPath path, boolean deleted) {
        return deleted ? path.with("deleted", "true") : path;
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
            footer = {
                "  octavo repos revisions octavo/books-5m --search Push",
                "  octavo repos revisions octavo/books-5m --deleted"
            })
    int revisions(
            @Parameters(paramLabel = "NS/NAME", description = "The repository.") String name,
            @Option(names = "--search", paramLabel = "TEXT", description = "Only those whose messages hold this.")
                    @Nullable String text,
            @Option(names = "--deleted", description = "Those that were deleted and can be restored.") boolean gone,
            @Mixin LimitOption most)
            throws Exception {
        CallPath path =
                deleted(CallPath.of(Arguments.repository(name), "revisions").with("search", text), gone);
        ItemTable table = gone ? DELETED_REVISIONS : REVISIONS;
        return ask(client -> showPage(client.list(path, most.value()), table::of));
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
        RepositoryReference named = RepositoryReference.parse(reference);
        boolean main = named.revision().filter("main"::equals).isPresent();
        return ask(client -> {
            // By its id: main is another revision when a call whose answer was lost is repeated.
            String what = main
                    ? named.name() + "@" + client.revision(named.name(), "main").id()
                    : reference;
            client.delete(path(what));
            return show(Map.of("deleted", what), "deleted " + what);
        });
    }

    @Command(
            name = "restore",
            mixinStandardHelpOptions = true,
            description =
                    "Brings back a repository with the revisions that were deleted with it, or one of its revisions."
                            + " Below what was pushed since, where something was: the newest stays main, and"
                            + " 'repos delete NS/NAME@REV' of it makes the one before main again.",
            footer = {
                "  octavo repos restore octavo/books-5m",
                "  octavo repos restore octavo/books-5m@0123456789abcdef0123456789abcdef01234567"
            })
    int restore(@Parameters(paramLabel = "NS/NAME[@REV]", description = "What to restore.") String reference)
            throws Exception {
        return ask(client -> {
            client.post(path(reference).then("restore"), null);
            return show(Map.of("restored", reference), "restored " + reference);
        });
    }

    private static CallPath path(String reference) {
        RepositoryReference named = RepositoryReference.parse(reference);
        return named.revision()
                .map(revision -> CallPath.of(named.name(), "revisions", revision))
                .orElseGet(() -> CallPath.of(named.name()));
    }
}
