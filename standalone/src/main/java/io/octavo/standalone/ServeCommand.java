package io.octavo.standalone;

import io.octavo.cli.CommandFailedException;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.command.ServingChoices;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.engine.Engines;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingLimits;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.standalone.embedded.StandaloneException;
import io.octavo.worker.serve.ModelServer;
import io.octavo.worker.serve.ServeSettings;
import io.octavo.worker.serve.WarmUp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "serve",
        description =
                "Serves the checkpoint in a folder, quantized or not, by OpenAI's interface at /v1, until Ctrl-C.",
        footer = {
            "  octavo serve examples/models/books-5m",
            "  octavo serve ./Llama-3.1-8B-FP8 --port 9000 --served-name llama --max-model-length 8192 --kv-cache fp8",
            "  octavo serve ./Llama-3.1-8B-FP8 --bind 0.0.0.0 --api-key \"$(octavo key)\" --device cuda:1"
        })
final class ServeCommand extends TerminalCommand {

    private static final String KEY_VARIABLE = "OCTAVO_SERVE_API_KEY";

    /** Held, since loggers that nobody holds forget their level. */
    private static final Logger CONTAINER = Logger.getLogger("org.apache");

    @Parameters(index = "0", paramLabel = "DIR", description = "config.json, safetensors and tokenizer.")
    private Path source = Path.of("");

    @Option(names = "--port", paramLabel = "PORT", description = "Default: ${DEFAULT-VALUE}; 0 takes any free one.")
    private int port = 8000;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description = "The address to listen on, 0.0.0.0 for all (${DEFAULT-VALUE}).")
    private String address = "127.0.0.1";

    @Option(names = "--served-name", paramLabel = "NAME", description = "What calls name it. Default: the folder's.")
    private @Nullable String name;

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            description = "What calls must show as Authorization: Bearer. Default: $" + KEY_VARIABLE
                    + ", which other users of this machine do not see; none where that is not set.")
    private @Nullable String key;

    @Option(
            names = "--cors-origin",
            paramLabel = "ORIGIN",
            description = "Web pages that may call it, such as https://chat.example.com, or * for all; repeatable."
                    + " Default: none.")
    private Set<String> origins = new LinkedHashSet<>();

    @Mixin
    private final ServingChoices choices = new ServingChoices();

    @Mixin
    private final DeviceOption device = new DeviceOption();

    @Override
    public Integer call() throws InterruptedException {
        Serving serving = start(terminal().out()::println);
        ProcessEnd.closing(serving::close);
        WarmUp.begin(serving.model());
        tell(serving);
        ProcessEnd.awaitSignal();
        return ExitCode.OK;
    }

    /** Both owned. */
    record Serving(ServedModel model, ModelServer server) implements AutoCloseable {
        @Override
        public void close() {
            server.close();
            model.close();
        }
    }

    /** @param log is told of every call */
    Serving start(Consumer<String> log) {
        CONTAINER.setLevel(Level.SEVERE);
        ServingOptions options = options();
        requireFree();
        String scheme = choices.scheme();
        ServedModel model = EngineFailure.translate(() -> Engines.serve(
                device.engine(),
                source,
                scheme == null ? options : options.rounding(Scheme.named(scheme)),
                JobMonitor.none()));
        try {
            var settings = new ServeSettings(servedName(), address, port, apiKey(), ServeSettings.PATIENCE, log)
                    .callableFrom(origins);
            return new Serving(model, ModelServer.start(model, settings));
        } catch (IOException e) {
            model.close();
            throw new CommandFailedException(String.valueOf(e.getMessage()), e);
        }
    }

    private void requireFree() {
        try {
            ListenAddress.requireFree(address, port);
        } catch (StandaloneException e) {
            throw new CommandFailedException(String.valueOf(e.getMessage()), e);
        }
    }

    private void tell(Serving serving) {
        if (apiKey() == null && !ListenAddress.isLoopback(address)) {
            terminal()
                    .err()
                    .println("warning: whoever reaches " + address + " may use the model; --api-key asks for a key");
        }
        ServingLimits limits = serving.model().limits();
        if (limits.maxModelLength() < limits.fullLength()) {
            terminal()
                    .err()
                    .println("warning: the cache holds " + limits.maxModelLength() + " tokens of the "
                            + limits.fullLength() + " that a text could have; --kv-cache-mib gives it more memory");
        }
        Integer maxModelLength = choices.maxModelLength();
        if (maxModelLength != null && limits.fullLength() < maxModelLength) {
            terminal()
                    .err()
                    .println("warning: --max-model-length: the model holds " + limits.fullLength() + " tokens, not "
                            + maxModelLength);
        }
        terminal()
                .out()
                .println(servedName() + " is served at " + serving.server().uri() + "/v1: up to "
                        + limits.maxModelLength() + " tokens a text, " + limits.maxSequences()
                        + " texts at once; Ctrl-C stops it");
        terminal().out().flush();
    }

    private String servedName() {
        return name == null ? source.toAbsolutePath().normalize().getFileName().toString() : name;
    }

    private @Nullable String apiKey() {
        return key == null ? environment().get(KEY_VARIABLE) : key;
    }

    private ServingOptions options() {
        if (port < 0 || port > 65535) {
            throw new UsageException("--port: " + port + " is not between 0 and 65535");
        }
        if (key != null && key.isBlank()) {
            throw new UsageException("--api-key: a key has some characters");
        }
        Integer maxSequences = choices.maxSequences();
        Integer cacheMebibytes = choices.cacheMebibytes();
        requireWithin("--max-model-length", choices.maxModelLength(), Integer.MAX_VALUE);
        requireWithin("--max-sequences", maxSequences, ServingOptions.MOST_SEQUENCES);
        requireWithin("--kv-cache-mib", cacheMebibytes, Integer.MAX_VALUE);
        try {
            return ServingOptions.of(
                    choices.maxModelLength(),
                    maxSequences == null ? ServingOptions.defaults().maxSequences() : maxSequences,
                    cacheMebibytes == null ? null : (long) cacheMebibytes << 20,
                    Objects.requireNonNullElse(choices.cacheType(), "auto"));
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private static void requireWithin(String option, @Nullable Integer number, int most) {
        if (number != null && (number < 1 || number > most)) {
            throw new UsageException(option + ": " + number + " is not between 1 and " + most);
        }
    }
}
