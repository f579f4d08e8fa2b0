package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.terminal.Terminal;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "cancel",
        mixinStandardHelpOptions = true,
        description = "Cancels a job: at once while it is queued, at its next checkpoint while it runs.")
final class CancelCommand implements Callable<Integer> {

    private final Terminal terminal;

    @Mixin
    private final ServerOptions server;

    @Parameters(paramLabel = "ID", description = "The job.")
    private String id = "";

    CancelCommand(Terminal terminal, ServerOptions server) {
        this.terminal = terminal;
        this.server = server;
    }

    @Override
    public Integer call() throws Exception {
        var jobId = Arguments.id(id);
        try (OctavoClient client = server.connect()) {
            JobView job = client.cancel(jobId);
            terminal.out().println(job.status() == JobStatus.RUNNING ? "cancellation requested" : job.status());
            return ExitCode.OK;
        }
    }
}
