package io.octavo.cli;

import io.octavo.cli.client.JobEvent;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.Problem;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.ServerCommand;
import io.octavo.cli.terminal.Quantity;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "logs",
        description = "Prints what has happened to a job: states, phases, metrics and log lines.",
        footer = "  octavo logs 123e4567-e89b-12d3-a456-426614174000 -f")
final class LogsCommand extends ServerCommand {

    @Parameters(paramLabel = "ID", description = "The job.")
    private String id = "";

    @Option(
            names = {"-f", "--follow"},
            description = "Goes on until the job has ended, over lost connections too; exit code 1 unless it succeeds.")
    private boolean follow;

    @Override
    protected int run(OctavoClient client) throws Exception {
        UUID job = Arguments.id(id);
        if (!follow) {
            client.events(job, this::print);
            return ExitCode.OK;
        }
        JobView ended = client.follow(job, this::print);
        if (ended.status() == JobStatus.FAILED) {
            terminal().err().println("error: " + Problem.line(ended.problem()));
        }
        return ended.status() == JobStatus.SUCCEEDED ? ExitCode.OK : ExitCode.FAILED;
    }

    private void print(JobEvent event) {
        String line = switch (event.detail()) {
            case JobEvent.State state -> "state     " + state.status() + " (attempt " + state.attempt() + ")";
            case JobEvent.Phase phase -> "phase     " + phase.phase();
            case JobEvent.Progress progress -> "progress  " + Quantity.percent(progress.progress());
            case JobEvent.Metric metric -> "metric    " + metric.name() + " = " + metric.value();
            case JobEvent.Log log -> "log       " + log.line();
        };
        terminal().out().println(line.replaceAll("\\p{Cntrl}", " "));
        terminal().out().flush();
    }
}
