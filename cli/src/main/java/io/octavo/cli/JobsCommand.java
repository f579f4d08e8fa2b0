package io.octavo.cli;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ListingCommand;
import io.octavo.wire.JobStatus;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "jobs",
        description = "Lists jobs, the newest first; deletes those that have ended.",
        footer = {
            "  octavo jobs --status FAILED --type quantize",
            "  octavo jobs --label team:search --limit 100",
            "  octavo jobs delete 123e4567-e89b-12d3-a456-426614174000"
        })
final class JobsCommand extends ListingCommand {

    @Option(names = "--status", paramLabel = "STATUS", description = "Only these: ${COMPLETION-CANDIDATES}.")
    private @Nullable JobStatus status;

    @Option(names = "--type", paramLabel = "TYPE", description = "Only these: quantize, convert, evaluate, pipeline.")
    private @Nullable String type;

    @Option(
            names = "--label",
            paramLabel = "NAME:VALUE",
            description = "Only those that carry this label; repeatable, and then only those that carry all.")
    private List<String> labels = new ArrayList<>();

    @Override
    protected int run(OctavoClient client) throws Exception {
        CallPath path = CallPath.of("jobs").with("status", status).with("type", type);
        for (String label : labels) {
            path = path.with("label", label);
        }
        return showPage(client.jobs(path, limit()), JobText::table);
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes a job that has ended; its artifact stays.",
            footer = "  octavo jobs delete 123e4567-e89b-12d3-a456-426614174000")
    int remove(@Parameters(paramLabel = "ID", description = "The job.") String id) throws Exception {
        return delete(CallPath.of("jobs", Arguments.id(id)), "job " + id);
    }
}
