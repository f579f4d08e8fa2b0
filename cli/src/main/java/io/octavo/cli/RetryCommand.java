package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ShowingCommand;
import io.octavo.wire.JobView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "retry",
        description = "Queues a failed or cancelled job again; of a pipeline, every step that did not succeed.",
        footer = "  octavo retry 123e4567-e89b-12d3-a456-426614174000")
final class RetryCommand extends ShowingCommand {

    @Parameters(paramLabel = "ID", description = "The job.")
    private String id = "";

    @Override
    protected int run(OctavoClient client) throws Exception {
        JobView job = client.change(Arguments.id(id), "retry");
        return show(job, job.status().toString());
    }
}
