package io.octavo.standalone;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.request.GenerationRequest;
import io.octavo.engine.request.GenerationResult;
import io.octavo.engine.request.SamplingOptions;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "generate",
        description =
                "Goes on from a prompt with the checkpoint in a folder, quantized or not, here and without a service: a"
                        + " look at what a model says.",
        footer = {
            "  octavo generate examples/models/books-5m \"The old man\"",
            "  octavo generate examples/models/books-5m \"Who is there?\" --chat --max-tokens 8",
            "  octavo generate ./Llama-3.1-8B-FP8 \"The old man\" --temperature 0.8 --top-p 0.95 --seed 7 --device cuda:1"
        })
final class GenerateCommand extends TerminalCommand {

    private static final int MOST_TOKENS = 1 << 20;

    @Parameters(index = "0", paramLabel = "DIR", description = "config.json, safetensors and tokenizer.")
    private Path source = Path.of("");

    @Parameters(
            index = "1",
            paramLabel = "PROMPT",
            description = "Plain text; BOS is put before it, unless --chat is given.")
    private String prompt = "";

    @Option(names = "--chat", description = "PROMPT is what a user says: answers it by the model's chat template.")
    private boolean chat;

    @Option(names = "--max-tokens", paramLabel = "N", description = "At most so many new tokens (${DEFAULT-VALUE}).")
    private int maxTokens = 64;

    @Option(names = "--temperature", paramLabel = "T", description = "0, the default, takes the most likely token.")
    private float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Draws from the K most likely tokens; 0 for all.")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Draws from the fewest tokens that reach P together.")
    private float topP = 1;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Draws from tokens at least P times as likely as the first.")
    private float minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "R",
            description = "Makes tokens that the text holds less likely; 1, the default, for none.")
    private float repetitionPenalty = 1;

    @Option(names = "--seed", paramLabel = "N", description = "The same one draws the same text (${DEFAULT-VALUE}).")
    private long seed;

    @Mixin
    private final DeviceOption device = new DeviceOption();

    @Option(names = "--json", description = "Prints the outcome as JSON.")
    private boolean json;

    @Override
    public Integer call() {
        GenerationRequest request = request();
        Outcome outcome;
        try (var progress = new LiveProgress(terminal())) {
            outcome = EngineFailure.translate(() -> {
                try (Engine engine = Engines.open(device.engine())) {
                    return new Outcome(engine.generate(request, new EngineProgress(progress)), engine.device());
                }
            });
        }
        print(outcome.result, outcome.device);
        return ExitCode.OK;
    }

    private record Outcome(GenerationResult result, String device) {}

    private GenerationRequest request() {
        if (prompt.isEmpty() || maxTokens < 1 || maxTokens > MOST_TOKENS) {
            throw new UsageException("a prompt of some text and 1 to " + MOST_TOKENS + " new tokens are needed");
        }
        if (temperature == 0 && (topK != 0 || topP != 1 || minP != 0 || seed != 0)) {
            throw new UsageException(
                    "temperature 0 takes the most likely token: only --repetition-penalty goes with it");
        }
        try {
            var sampling = new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
            return new GenerationRequest(source, prompt, chat, maxTokens, sampling);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private void print(GenerationResult result, String usedDevice) {
        double seconds = result.duration().toNanos() / 1e9;
        if (json) {
            ObjectNode facts = JsonNodeFactory.instance
                    .objectNode()
                    .put("text", result.text())
                    .put("promptTokens", result.promptIds().size())
                    .put("newTokens", result.newIds().size())
                    .put("seconds", seconds)
                    .put("device", usedDevice);
            terminal().out().println(WireJson.pretty(facts));
            return;
        }
        terminal().out().println(chat ? result.text() : prompt + result.text());
        terminal()
                .err()
                .println(String.format(
                        Locale.ROOT, "%d tokens in %.2f s, %s", result.newIds().size(), seconds, usedDevice));
    }
}
