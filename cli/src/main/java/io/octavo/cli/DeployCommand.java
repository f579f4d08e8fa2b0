package io.octavo.cli;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.RepositoryReference;
import io.octavo.cli.command.ServingChoices;
import io.octavo.cli.command.ShowingCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.wire.DeploymentState;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "deploy",
        description = "Serves a model on a worker of the service, by OpenAI's interface at /serve/v1.",
        footer = {
            "  octavo deploy octavo/books-5m --wait",
            "  octavo deploy octavo/books-5m --name books --ttl 30m --idle 10m --kv-cache int8"
        })
final class DeployCommand extends ShowingCommand {

    private static final Duration LOOK = Duration.ofMillis(300);

    @Parameters(paramLabel = "REPO", description = "A repository, NS/NAME[@REV], or another source such as s3://...")
    private String source = "";

    @Option(names = "--name", paramLabel = "NAME", description = "What calls name it. Default: the repository's name.")
    private @Nullable String name;

    @Option(
            names = "--ttl",
            paramLabel = "TIME",
            description = "How long it is served, such as 30m. Default: for ever.")
    private @Nullable String ttl;

    @Option(
            names = "--idle",
            paramLabel = "TIME",
            description = "How long nobody may call before it stops. Default: for ever.")
    private @Nullable String idle;

    @Mixin
    private final ServingChoices choices = new ServingChoices();

    @Option(names = "--device", paramLabel = "DEVICE", description = "auto (the default), cpu or cuda.")
    private @Nullable String device;

    @Option(
            names = {"-w", "--wait"},
            description = "Returns once it answers calls; exit code 1 if it will not.")
    private boolean await;

    @Override
    protected int run(OctavoClient client) throws Exception {
        JsonNode deployment = client.post(CallPath.of("deployments"), request());
        JsonNode shown = await ? ready(client, deployment) : deployment;
        return show(shown, shown.path("id").asString(""));
    }

    private JsonNode ready(OctavoClient client, JsonNode created) throws InterruptedException {
        CallPath path = CallPath.of("deployments", created.path("id").asString(""));
        try (var progress = new LiveProgress(terminal())) {
            while (true) {
                JsonNode now = client.get(path);
                DeploymentState state =
                        DeploymentState.valueOf(now.path("state").asString(""));
                if (state == DeploymentState.READY) {
                    return now;
                }
                if (state.isTerminal() || state == DeploymentState.STOPPING) {
                    throw new CommandFailedException(DeploymentTable.problem(now));
                }
                progress.update(
                        now.path("name").asString(""),
                        state == DeploymentState.LOADING ? 0.5 : 0,
                        state.name().toLowerCase(Locale.ROOT));
                Thread.sleep(LOOK);
            }
        }
    }

    private ObjectNode request() {
        ObjectNode request = JsonNodeFactory.instance.objectNode();
        request.put("source", source());
        put(request, "name", name);
        put(request, "ttl", duration("--ttl", ttl));
        put(request, "idle", duration("--idle", idle));
        put(request, "kvCache", choices.cacheType());
        put(request, "onlineQuantization", choices.scheme());
        put(request, "device", device);
        put(request, "maxModelLength", choices.maxModelLength());
        put(request, "maxSequences", choices.maxSequences());
        put(request, "kvCacheMebibytes", choices.cacheMebibytes());
        return request;
    }

    private String source() {
        if (source.contains(":")) {
            return source;
        }
        RepositoryReference repository = RepositoryReference.parse(source);
        return "hub:" + repository.name()
                + repository.revision().map(revision -> "@" + revision).orElse("");
    }

    /** As people say it, such as 90s, 30m or 2h30m; or as the service takes it. */
    private static @Nullable String duration(String option, @Nullable String text) {
        if (text == null) {
            return null;
        }
        String upper = text.toUpperCase(Locale.ROOT);
        try {
            return Duration.parse(upper.startsWith("P") ? upper : "PT" + upper).toString();
        } catch (DateTimeParseException e) {
            throw new UsageException(option + ": '" + text + "' is no time such as 90s, 30m or 2h30m");
        }
    }

    private static void put(ObjectNode request, String field, @Nullable Object value) {
        if (value != null) {
            request.putPOJO(field, value);
        }
    }
}
