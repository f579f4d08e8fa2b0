package io.octavo.cli;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.ShowingCommand;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "undeploy",
        description = "Stops a model that is served.",
        footer = {"  octavo undeploy books", "  octavo undeploy 123e4567-e89b-12d3-a456-426614174000"})
final class UndeployCommand extends ShowingCommand {

    @Parameters(paramLabel = "NAME", description = "The deployment's name, or its id.")
    private String name = "";

    @Override
    protected int run(OctavoClient client) throws Exception {
        String id = isId(name) ? name : find(client);
        client.delete(CallPath.of("deployments", id));
        return show(Map.of("stopped", name), "stopped " + name);
    }

    private static boolean isId(String text) {
        try {
            return UUID.fromString(text).toString().equalsIgnoreCase(text);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** The newest of this name: others are on their way out already. */
    private String find(OctavoClient client) throws InterruptedException {
        List<JsonNode> found =
                client.list(CallPath.of("deployments").with("name", name), 1).items();
        if (found.isEmpty()) {
            throw new CommandFailedException("no deployment has the name " + name + " [deployment-not-found]");
        }
        return found.getFirst().path("id").asString("");
    }
}
