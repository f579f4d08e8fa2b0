package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.terminal.Terminal;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "cancel",
        mixinStandardHelpOptions = true,
        description = "Cancels a job: at once while it is queued, at its next checkpoint while it runs.")
final class CancelCommand extends ServerCommand {

    @Parameters(paramLabel = "ID", description = "The job.")
    private String id = "";

    CancelCommand(Terminal terminal, ServerOptions server) {
        super(terminal, server);
    }

    @Override
    int run(OctavoClient client) throws Exception {
        JobView job = client.cancel(Arguments.id(id));
        terminal.out().println(job.status() == JobStatus.RUNNING ? "cancellation requested" : job.status());
        return ExitCode.OK;
    }
}
