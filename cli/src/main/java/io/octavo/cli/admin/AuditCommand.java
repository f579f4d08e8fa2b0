package io.octavo.cli.admin;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.ListingCommand;
import io.octavo.cli.command.ServerOptions;
import io.octavo.cli.terminal.Terminal;
import picocli.CommandLine.Command;

@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = "Lists who changed what, the newest first. Needs a key of scope admin.",
        footer = {"", "Examples:", "  octavo audit", "  octavo audit --limit 500 --json"})
public final class AuditCommand extends ListingCommand {

    private static final ItemTable TABLE = new ItemTable()
            .time("AT", "/at")
            .text("ACTOR", "/actor")
            .text("OUTCOME", "/outcome")
            .text("ACTION", "/action")
            .text("TARGET", "/target");

    public AuditCommand(Terminal terminal, ServerOptions server) {
        super(terminal, server);
    }

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(client.list(CallPath.of("audit"), limit()), TABLE::of);
    }
}
