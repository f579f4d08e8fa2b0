package io.octavo.standalone;

import io.octavo.cli.CommandFailedException;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.standalone.embedded.StandaloneException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjDoubleConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "up",
        description = "Runs the service on an embedded PostgreSQL, with all files in its home, until Ctrl-C."
                + " Data survives restarts and kill -9.",
        footer = {
            "  octavo up",
            "  octavo up --port 9000 --home ./service --allow-folder ./models",
            "  octavo up --bind 0.0.0.0 --port 8443 --tls-cert server.pem --tls-key server.key"
        })
final class UpCommand extends TerminalCommand {

    @Option(names = "--port", paramLabel = "PORT", description = "Default: ${DEFAULT-VALUE}; 0 takes any free one.")
    private int port = 8080;

    @Option(names = "--home", paramLabel = "DIR", description = "Where the data is kept. Default: ./.octavo.")
    private Path home = Path.of(".octavo");

    @Option(
            names = "--allow-folder",
            paramLabel = "DIR",
            description = "A folder that file: sources and datasets may read; repeatable. Default: none.")
    private List<Path> allowedFolders = new ArrayList<>();

    @Mixin
    private final ListenOptions listen = new ListenOptions();

    @Override
    public Integer call() throws InterruptedException {
        if (port < 0 || port > 65535) {
            throw new UsageException("--port: " + port + " is not between 0 and 65535");
        }
        for (Path folder : allowedFolders) {
            if (!Files.isDirectory(folder)) {
                throw new UsageException("--allow-folder: " + folder + " is not a folder");
            }
        }
        var options = new StandaloneOptions(home, port, allowedFolders, listen.settings());
        Standalone service;
        try (var progress = new LiveProgress(terminal())) {
            service = start(options, (step, done) -> progress.update("start", done, step));
            progress.update("start", 1, "");
        }
        warnOfOpenTraffic(service.baseUrl());
        terminal().out().println("octavo is up at " + service.baseUrl() + ", data in " + home + "; Ctrl-C stops it");
        if (service.isApiKeyNew()) {
            terminal().out().println("its API key, shown this once and kept in " + home.resolve("api-key") + ":");
            terminal().out().println(service.apiKey());
        }
        terminal().out().flush();
        ProcessEnd.awaitSignal();
        return ExitCode.OK;
    }

    private void warnOfOpenTraffic(String url) {
        String host = URI.create(url).getHost();
        if (url.startsWith("http:") && !ListenAddress.isLoopback(host)) {
            terminal()
                    .err()
                    .println("warning: keys and models travel in the clear; --tls-cert and --tls-key encrypt them");
        }
    }

    /** Starts a service that is closed with the process, from its first process on, whatever ends it short of kill -9. */
    static Standalone start(StandaloneOptions options, ObjDoubleConsumer<String> progress) {
        try {
            Standalone service = Standalone.of(options);
            ProcessEnd.closing(service::close);
            service.run(progress);
            ProcessEnd.waitIfTold();
            return service;
        } catch (StandaloneException e) {
            throw new CommandFailedException(String.valueOf(e.getMessage()), e);
        }
    }
}
