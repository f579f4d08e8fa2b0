package io.octavo.cli.admin;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.LimitOption;
import io.octavo.cli.command.ListingCommand;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "webhooks",
        description = "Lists webhooks, which are told of jobs' ends; makes and deletes them, and looks after their"
                + " deliveries. Needs a key of scope admin.",
        footer = {
            "  octavo webhooks",
            "  octavo webhooks create https://example.com/octavo --event job.failed",
            "  octavo webhooks deliveries 123e4567-e89b-12d3-a456-426614174000 --status DEAD"
        })
public final class WebhooksCommand extends ListingCommand {

    private static final ItemTable TABLE = new ItemTable()
            .text("ID", "/id")
            .text("URL", "/url")
            .text("EVENTS", "/events")
            .text("ENABLED", "/enabled")
            .time("CREATED", "/createdAt");

    private static final ItemTable DELIVERIES = new ItemTable()
            .text("ID", "/id")
            .text("EVENT", "/event")
            .text("STATUS", "/status")
            .text("ATTEMPT", "/attempt")
            .time("CREATED", "/createdAt")
            .text("ANSWER", "/answerStatus")
            .text("FAILURE", "/failure");

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(client.list(CallPath.of("webhooks"), limit()), TABLE::of);
    }

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Makes a webhook and shows its secret, this once.",
            footer = "  octavo webhooks create https://example.com/octavo --event job.failed")
    int create(
            @Parameters(paramLabel = "URL", description = "What is called, by https.") String url,
            @Option(
                            names = "--event",
                            paramLabel = "EVENT",
                            description = "Only these: job.queued, job.running, job.succeeded, job.failed,"
                                    + " job.cancelled; repeatable. Default: the ends of jobs.")
                    @Nullable List<String> events)
            throws Exception {
        ObjectNode webhook = JsonNodeFactory.instance.objectNode().put("url", url);
        if (events != null) {
            events.forEach(webhook.putArray("events")::add);
        }
        return ask(client -> showFacts(client.post(CallPath.of("webhooks"), webhook)));
    }

    @Command(
            name = "deliveries",
            mixinStandardHelpOptions = true,
            description = "Lists a webhook's deliveries, the newest first.",
            footer = "  octavo webhooks deliveries 123e4567-e89b-12d3-a456-426614174000 --status DEAD")
    int deliveries(
            @Parameters(paramLabel = "ID", description = "The webhook.") String id,
            @Option(names = "--status", paramLabel = "STATUS", description = "Only these: PENDING, DELIVERED, DEAD.")
                    @Nullable String status,
            @Mixin LimitOption most)
            throws Exception {
        return ask(client -> showPage(
                client.list(webhook(id).then("deliveries").with("status", status), most.value()), DELIVERIES::of));
    }

    @Command(
            name = "replay",
            mixinStandardHelpOptions = true,
            description = "Delivers again what was delivered or given up.",
            footer =
                    "  octavo webhooks replay 123e4567-e89b-12d3-a456-426614174000 123e4567-e89b-12d3-a456-426614174001")
    int replay(
            @Parameters(paramLabel = "ID", description = "The webhook.") String id,
            @Parameters(paramLabel = "DELIVERY", description = "One of its deliveries.") String delivery)
            throws Exception {
        return ask(client ->
                showFacts(client.post(webhook(id).then("deliveries", Arguments.id(delivery), "replay"), null)));
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes a webhook.",
            footer = "  octavo webhooks delete 123e4567-e89b-12d3-a456-426614174000")
    int remove(@Parameters(paramLabel = "ID", description = "The webhook.") String id) throws Exception {
        return delete(webhook(id), "webhook " + id);
    }

    private static CallPath webhook(String id) {
        return CallPath.of("webhooks", Arguments.id(id));
    }
}
