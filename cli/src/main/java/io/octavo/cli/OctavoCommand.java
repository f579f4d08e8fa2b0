package io.octavo.cli;

import io.octavo.cli.admin.AuditCommand;
import io.octavo.cli.admin.KeysCommand;
import io.octavo.cli.admin.TenantsCommand;
import io.octavo.cli.admin.WebhooksCommand;
import io.octavo.cli.admin.WorkersCommand;
import io.octavo.cli.command.ServerOptions;
import io.octavo.cli.terminal.Terminal;
import java.io.PrintWriter;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The root of the command line. */
@Command(
        name = "octavo",
        mixinStandardHelpOptions = true,
        version = "octavo 0.1.0",
        description = "Quantization as a service for large language models.",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:a job or a verification failed, or the server refused",
            "2:wrong usage",
            "3:the server cannot be reached"
        },
        footer = {
            "",
            "Examples:",
            "  octavo demo",
            "  octavo up",
            "  octavo push examples/models/books-5m octavo/books-5m",
            "  octavo submit examples/jobs/quantize-fp8.json --wait",
            "  octavo pull octavo/books-5m-FP8-Dynamic ./my-model",
            "",
            "Environment: OCTAVO_SERVER (the service's URL), OCTAVO_API_KEY, OCTAVO_JAVA_OPTS (JVM options),",
            "OCTAVO_DEBUG (show where an unexpected error comes from)."
        })
public final class OctavoCommand {

    private OctavoCommand() {}

    /**
     * The commands that need nothing but a server, and further ones.
     *
     * @param environment the process's environment variables
     * @param further annotated picocli commands, shown first
     */
    public static CommandLine commandLine(Terminal terminal, Map<String, String> environment, Object... further) {
        var root = new CommandLine(new OctavoCommand());
        for (Object command : further) {
            root.addSubcommand(command);
        }
        Supplier<ServerOptions> server = () -> new ServerOptions(environment);
        Stream.of(
                        new PushCommand(terminal, server.get()),
                        new PullCommand(terminal, server.get()),
                        new SubmitCommand(terminal, server.get()),
                        new JobsCommand(terminal, server.get()),
                        new JobCommand(terminal, server.get()),
                        new LogsCommand(terminal, server.get()),
                        new CancelCommand(terminal, server.get()),
                        new RetryCommand(terminal, server.get()),
                        new ArtifactsCommand(terminal, server.get()),
                        new ArtifactCommand(terminal, server.get()),
                        new ReposCommand(terminal, server.get()),
                        new SchemesCommand(terminal, server.get()),
                        new WorkersCommand(terminal, server.get()),
                        new KeysCommand(terminal, server.get()),
                        new WebhooksCommand(terminal, server.get()),
                        new TenantsCommand(terminal, server.get()),
                        new AuditCommand(terminal, server.get()))
                .forEach(root::addSubcommand);
        return root.setOut(new PrintWriter(terminal.out(), true, terminal.out().charset()))
                .setErr(new PrintWriter(terminal.err(), true, terminal.err().charset()))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(new FailureLine(terminal, environment));
    }
}
