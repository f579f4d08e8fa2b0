package io.octavo.cli;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.JsonOption;
import io.octavo.cli.command.ShowingCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "submit",
        description = "Submits a job and prints its id.",
        footer = {
            "  octavo submit examples/jobs/quantize-fp8.json --wait",
            "  octavo submit --type quantize --source hub:octavo/books-5m --scheme FP8_DYNAMIC \\",
            "      --target octavo/books-5m-FP8-Dynamic",
            "  octavo submit examples/jobs/quantize-then-evaluate.json --wait",
            "  octavo submit examples/jobs/quantize-fp8.json --set priority=5 --set 'ignore=[\"lm_head\"]'"
        })
final class SubmitCommand extends ShowingCommand {

    @Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description =
                    "The job as JSON; '-' reads standard input. The options below add to it or replace its fields.")
    private @Nullable String file;

    @Option(names = "--type", paramLabel = "TYPE", description = "quantize, convert, evaluate or pipeline.")
    private @Nullable String type;

    @Option(
            names = "--source",
            paramLabel = "URI",
            description = "hub:ns/name[@rev], s3://bucket/prefix or file:/path.")
    private @Nullable String source;

    @Option(names = "--scheme", paramLabel = "NAME", description = "Such as FP8_DYNAMIC.")
    private @Nullable String scheme;

    @Option(names = "--target", paramLabel = "NS/NAME", description = "The repository that receives the artifact.")
    private @Nullable String target;

    @Option(names = "--baseline", paramLabel = "URI", description = "What an evaluation compares with.")
    private @Nullable String baseline;

    @Option(
            names = "--ignore",
            paramLabel = "MODULE",
            description = "A module to leave alone, or re:REGEX; repeatable.")
    private List<String> ignore = new ArrayList<>();

    @Option(
            names = "--modifier",
            paramLabel = "NAME",
            description = "What changes weights before they are rounded: smoothquant, or JSON with its settings such as"
                    + " {\"type\":\"smoothquant\",\"alpha\":0.8}; repeatable.")
    private List<String> modifiers = new ArrayList<>();

    @Option(
            names = "--set",
            paramLabel = "FIELD=VALUE",
            description = "Any other field; the value is JSON, or else text; repeatable.")
    private Map<String, String> fields = new LinkedHashMap<>();

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "The same key with the same job gives the same job, however often it is submitted.")
    private @Nullable String idempotencyKey;

    @Option(
            names = "--dry-run",
            description = "Prints what the job would do, or why it cannot work, without queueing it.")
    private boolean dryRun;

    @Option(
            names = {"-w", "--wait"},
            description = "Follows the job to its end; exit code 1 unless it succeeds.")
    private boolean await;

    @Override
    protected int run(OctavoClient client) throws Exception {
        ObjectNode spec = spec();
        if (dryRun) {
            JsonNode plan = client.plan(spec);
            return show(plan, PlanText.of(plan));
        }
        JobView job = client.submit(spec, Optional.ofNullable(idempotencyKey));
        return await ? follow(client, job) : show(job, job.id().toString());
    }

    private int follow(OctavoClient client, JobView submitted) throws InterruptedException {
        JobView ended;
        try (var progress = new LiveProgress(terminal())) {
            progress.line("job " + submitted.id());
            for (JobView.Step step : submitted.steps()) {
                client.follow(step.jobId(), new JobProgress(progress, step.name()));
            }
            ended = client.follow(submitted.id(), new JobProgress(progress, submitted.type()));
        }
        show(ended, JobText.details(ended));
        return ended.status() == JobStatus.SUCCEEDED ? ExitCode.OK : ExitCode.FAILED;
    }

    private ObjectNode spec() throws IOException {
        ObjectNode spec = file == null ? JsonNodeFactory.instance.objectNode() : read(file);
        put(spec, "type", type);
        put(spec, "source", source);
        put(spec, "scheme", scheme);
        put(spec, "target", target);
        put(spec, "baseline", baseline);
        if (!ignore.isEmpty()) {
            ignore.forEach(spec.putArray("ignore")::add);
        }
        if (!modifiers.isEmpty()) {
            spec.putArray("modifiers")
                    .addAll(modifiers.stream().map(JsonOption::typed).toList());
        }
        fields.forEach((name, value) -> spec.set(name, JsonOption.jsonOrText(value)));
        if (!spec.has("type")) {
            throw new UsageException("a job needs a type: name a FILE, or give --type");
        }
        return spec;
    }

    private static void put(ObjectNode spec, String field, @Nullable String value) {
        if (value != null) {
            spec.put(field, value);
        }
    }

    private static ObjectNode read(String file) throws IOException {
        String text = file.equals("-")
                ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                : Files.readString(Path.of(file));
        try {
            if (WireJson.parse(text) instanceof ObjectNode object) {
                return object;
            }
        } catch (JacksonException e) {
            throw new UsageException(file + " is not JSON: " + e.getOriginalMessage());
        }
        throw new UsageException(file + " is not a JSON object");
    }
}
