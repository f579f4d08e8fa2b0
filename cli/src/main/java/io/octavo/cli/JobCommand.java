package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import io.octavo.wire.JobView;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "job", mixinStandardHelpOptions = true, description = "Shows one job.")
final class JobCommand implements Callable<Integer> {

    private final Terminal terminal;

    @Mixin
    private final ServerOptions server;

    @Parameters(paramLabel = "ID", description = "The job.")
    private String id = "";

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    JobCommand(Terminal terminal, ServerOptions server) {
        this.terminal = terminal;
        this.server = server;
    }

    @Override
    public Integer call() throws Exception {
        var jobId = Arguments.id(id);
        try (OctavoClient client = server.connect()) {
            JobView job = client.job(jobId);
            terminal.out().println(json ? WireJson.pretty(job) : JobText.details(job));
            return ExitCode.OK;
        }
    }
}
