package io.octavo.cli.admin;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.ShowingCommand;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

@Command(
        name = "workers",
        description = "Lists the workers that take jobs, and what they work on.",
        footer = "  octavo workers")
public final class WorkersCommand extends ShowingCommand {

    private static final ItemTable TABLE = new ItemTable()
            .text("NAME", "/name")
            .text("HOST", "/host")
            .text("DEVICE", "/device")
            .text("ALIVE", "/alive")
            .time("LAST SEEN", "/lastSeenAt")
            .text("JOB", "/jobId");

    @Override
    protected int run(OctavoClient client) throws Exception {
        JsonNode workers = client.get(CallPath.of("workers"));
        return show(workers, TABLE.of(workers.path("items").valueStream().toList()));
    }
}
