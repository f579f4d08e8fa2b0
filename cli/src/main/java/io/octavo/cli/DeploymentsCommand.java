package io.octavo.cli;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.ListingCommand;
import picocli.CommandLine.Command;

@Command(
        name = "deployments",
        description = "Lists models that are served, or are to be, the newest first.",
        footer = {"  octavo deployments", "  octavo deployments --json"})
final class DeploymentsCommand extends ListingCommand {

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(client.list(CallPath.of("deployments"), limit()), DeploymentTable::of);
    }
}
