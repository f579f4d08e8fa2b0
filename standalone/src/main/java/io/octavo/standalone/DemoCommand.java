package io.octavo.standalone;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.demo.Demo;
import io.octavo.cli.demo.DemoFacts;
import io.octavo.cli.demo.DemoOptions;
import io.octavo.cli.demo.DemoTable;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.request.Recipe;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "demo",
        description = "Starts the service on embedded parts, quantizes a model, scores it beside the original and shows"
                + " what came of it. Exit code 0 only if the artifact was verified.",
        footer = {
            "  octavo demo",
            "  octavo demo --scheme W4A16_G32 --json facts.json",
            "  octavo demo --model ./Qwen3-0.6B --scheme W8A16"
        })
final class DemoCommand extends TerminalCommand {

    private static final Path ROOT = Path.of(System.getProperty("octavo.root", ""));

    /** What figures of docs/recipes.md were measured with. */
    private static final int BEST_TEXTS = 128;

    private static final int BEST_TOKENS = 512;

    @Option(names = "--scheme", paramLabel = "NAME", description = "Default: ${DEFAULT-VALUE}.")
    private String scheme = "FP8_DYNAMIC";

    @Option(names = "--model", paramLabel = "DIR", description = "The checkpoint. Default: examples/models/books-5m.")
    private Path model = ROOT.resolve("examples/models/books-5m");

    @Option(
            names = "--recipe",
            paramLabel = "JSON",
            description = "best, which is what docs/recipes.md recommends for the scheme; or any fields of a quantize"
                    + " request besides source, scheme and target: JSON, or the name of a file that holds it.")
    private String recipe = "{}";

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the facts as JSON.")
    private @Nullable Path json;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = "Where the service's data, its log and the artifacts go. Default: ./.octavo/demo.")
    private Path home = Path.of(".octavo", "demo");

    @Option(names = "--keep", description = "Leaves the service up until Ctrl-C.")
    private boolean keep;

    @Override
    public Integer call() throws IOException, InterruptedException {
        var options =
                new DemoOptions(model, ROOT.resolve("examples/data"), scheme, parseRecipe(), home.resolve("artifacts"));
        Demo.check(options);
        requireWritable(json);
        // The screen belongs to the demo; what the service has to say is in its log.
        System.setProperty("logging.threshold.console", "OFF");
        try (var progress = new LiveProgress(terminal());
                Standalone service = start(progress);
                var client = new OctavoClient(URI.create(service.baseUrl()), Optional.of(service.apiKey()))) {
            DemoFacts facts = new Demo(client, progress).run(options);
            progress.finish();
            show(facts);
            if (keep) {
                terminal().out().println("  the service stays up at " + service.baseUrl() + "; Ctrl-C stops it");
                terminal().out().flush();
                ProcessEnd.awaitSignal();
            }
            return facts.verified() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    private Standalone start(LiveProgress progress) {
        // This is the user's own machine and the user's own command, so any file: dataset may be read.
        Standalone service = UpCommand.start(
                new StandaloneOptions(home, 0, List.of(Path.of("/"))),
                (step, done) -> progress.update("start service", done, step));
        progress.update("start service", 1, service.baseUrl());
        return service;
    }

    private void show(DemoFacts facts) throws IOException {
        terminal().out().println(DemoTable.render(facts));
        if (json != null) {
            Files.writeString(json, WireJson.pretty(facts) + "\n");
        }
        if (!facts.verified()) {
            terminal()
                    .err()
                    .println("error: the artifact was not verified; the service's log is in " + home.resolve("logs"));
        }
    }

    /** What is recommended, on the texts that come with the program. */
    static ObjectNode best(String scheme) {
        ObjectNode best = JsonNodeFactory.instance.objectNode();
        best.putObject("calibration")
                .put(
                        "dataset",
                        "file:"
                                + ROOT.resolve("examples/data/books-calibration.jsonl")
                                        .toAbsolutePath())
                .put("samples", BEST_TEXTS)
                .put("sequenceLength", BEST_TOKENS);
        for (Modifier modifier : EngineFailure.translate(() -> Recipe.bestModifiers(scheme))) {
            best.withArray("modifiers")
                    .addObject()
                    .put("type", modifier.name())
                    .setAll(JsonMapper.shared().<ObjectNode>valueToTree(modifier.settings()));
        }
        return best;
    }

    private ObjectNode parseRecipe() throws IOException {
        if (recipe.equals("best")) {
            return best(scheme);
        }
        boolean inline = recipe.stripLeading().startsWith("{");
        String text = inline ? recipe : Files.readString(Path.of(recipe));
        try {
            if (WireJson.parse(text) instanceof ObjectNode object) {
                return object;
            }
        } catch (JacksonException e) {
            throw new UsageException("--recipe is not JSON: " + e.getOriginalMessage());
        }
        throw new UsageException("--recipe is not a JSON object");
    }

    private static void requireWritable(@Nullable Path file) {
        if (file != null
                && (Files.isDirectory(file)
                        || !Files.isDirectory(file.toAbsolutePath().resolveSibling("")))) {
            throw new UsageException("--json: " + file + " cannot be written: its folder does not exist, or it is one");
        }
    }
}
