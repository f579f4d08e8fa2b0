package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.ShowingCommand;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

@Command(
        name = "schemes",
        description = "Lists the schemes and layouts that a service can quantize to.",
        footer = "  octavo schemes")
final class SchemesCommand extends ShowingCommand {

    private static final ItemTable TABLE =
            new ItemTable().text("SCHEME", "/name").text("STORES", "/summary");

    @Override
    protected int run(OctavoClient client) throws Exception {
        JsonNode schemes = client.schemes();
        String layouts = String.join(
                ", ",
                schemes.path("layouts").valueStream().map(JsonNode::asString).toList());
        return show(schemes, TABLE.of(schemes.path("items").valueStream().toList()) + "\n\nlayouts: " + layouts);
    }
}
