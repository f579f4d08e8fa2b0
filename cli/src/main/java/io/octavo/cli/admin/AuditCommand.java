package io.octavo.cli.admin;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.ListingCommand;
import picocli.CommandLine.Command;

@Command(
        name = "audit",
        description = "Lists who changed what, the newest first. Needs a key of scope admin.",
        footer = {"  octavo audit", "  octavo audit --limit 500 --json"})
public final class AuditCommand extends ListingCommand {

    private static final ItemTable TABLE = new ItemTable()
            .time("AT", "/at")
            .text("ACTOR", "/actor")
            .text("OUTCOME", "/outcome")
            .text("ACTION", "/action")
            .text("TARGET", "/target");

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(client.list(CallPath.of("audit"), limit()), TABLE::of);
    }
}
