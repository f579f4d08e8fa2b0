package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ShowingCommand;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "cancel",
        description = "Cancels a job: at once while it is queued, at its next checkpoint while it runs.",
        footer = "  octavo cancel 123e4567-e89b-12d3-a456-426614174000")
final class CancelCommand extends ShowingCommand {

    @Parameters(paramLabel = "ID", description = "The job.")
    private String id = "";

    @Override
    protected int run(OctavoClient client) throws Exception {
        JobView job = client.change(Arguments.id(id), "cancel");
        return show(
                job,
                job.status() == JobStatus.RUNNING
                        ? "cancellation requested"
                        : job.status().toString());
    }
}
