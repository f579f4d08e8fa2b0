package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ShowingCommand;
import io.octavo.wire.JobView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "job",
        description = "Shows one job, a pipeline with its steps.",
        footer = "  octavo job 123e4567-e89b-12d3-a456-426614174000")
final class JobCommand extends ShowingCommand {

    @Parameters(paramLabel = "ID", description = "The job.")
    private String id = "";

    @Override
    protected int run(OctavoClient client) throws Exception {
        JobView job = client.job(Arguments.id(id));
        return show(job, JobText.details(job));
    }
}
