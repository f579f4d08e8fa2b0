package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.terminal.Terminal;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.Page;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "jobs", mixinStandardHelpOptions = true, description = "Lists jobs, the newest first.")
final class JobsCommand extends ShowingCommand {

    @Option(names = "--status", paramLabel = "STATUS", description = "Only these: ${COMPLETION-CANDIDATES}.")
    private @Nullable JobStatus status;

    @Option(names = "--type", paramLabel = "TYPE", description = "Only these: quantize, convert, evaluate, pipeline.")
    private @Nullable String type;

    @Option(
            names = "--label",
            paramLabel = "NAME:VALUE",
            description = "Only those that carry this label; repeatable, and then only those that carry all.")
    private List<String> labels = new ArrayList<>();

    @Option(names = "--limit", paramLabel = "N", description = "At most so many. Default: ${DEFAULT-VALUE}.")
    private int limit = 20;

    JobsCommand(Terminal terminal, ServerOptions server) {
        super(terminal, server);
    }

    @Override
    int run(OctavoClient client) throws Exception {
        Page<JobView> page = client.jobs(Optional.ofNullable(status), Optional.ofNullable(type), labels, limit);
        return show(page.items(), JobText.table(page.items()));
    }
}
