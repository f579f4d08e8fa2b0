package io.octavo.cli;

import io.octavo.cli.admin.AuditCommand;
import io.octavo.cli.admin.KeysCommand;
import io.octavo.cli.admin.TenantsCommand;
import io.octavo.cli.admin.WebhooksCommand;
import io.octavo.cli.admin.WorkersCommand;
import io.octavo.cli.command.CommandRoot;
import io.octavo.cli.terminal.Terminal;
import java.io.PrintWriter;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The root of the command line. */
@Command(
        name = "octavo",
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
            "  octavo demo",
            "  octavo up",
            "  octavo push examples/models/books-5m octavo/books-5m",
            "  octavo submit examples/jobs/quantize-fp8.json --wait",
            "  octavo pull octavo/books-5m-FP8-Dynamic ./my-model",
            "",
            "Environment: OCTAVO_SERVER (the service's URL), OCTAVO_API_KEY, OCTAVO_JAVA_OPTS (JVM options),",
            "OCTAVO_DEBUG (show where an unexpected error comes from)."
        })
public final class OctavoCommand extends CommandRoot {

    private OctavoCommand(Terminal terminal, Map<String, String> environment) {
        super(terminal, environment);
    }

    /**
     * The commands that need nothing but a server, and further ones.
     *
     * @param environment the process's environment variables
     * @param further annotated picocli commands, shown first
     */
    public static CommandLine commandLine(Terminal terminal, Map<String, String> environment, Object... further) {
        var root = new CommandLine(new OctavoCommand(terminal, environment));
        for (Object command : further) {
            root.addSubcommand(command);
        }
        Stream.of(
                        new PushCommand(),
                        new PullCommand(),
                        new SubmitCommand(),
                        new JobsCommand(),
                        new JobCommand(),
                        new LogsCommand(),
                        new CancelCommand(),
                        new RetryCommand(),
                        new ArtifactsCommand(),
                        new ArtifactCommand(),
                        new ReposCommand(),
                        new DeployCommand(),
                        new DeploymentsCommand(),
                        new UndeployCommand(),
                        new SchemesCommand(),
                        new WorkersCommand(),
                        new KeysCommand(),
                        new WebhooksCommand(),
                        new TenantsCommand(),
                        new AuditCommand())
                .forEach(root::addSubcommand);
        document(root);
        return root.setOut(new PrintWriter(terminal.out(), true, terminal.out().charset()))
                .setErr(new PrintWriter(terminal.err(), true, terminal.err().charset()))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(new FailureLine(terminal, environment));
    }

    /**
     * Each can be asked for help, which shows how it is used. Those that are methods say so in their annotations, since
     * picocli numbers their parameters before.
     */
    private static void document(CommandLine command) {
        UsageMessageSpec usage =
                command.getCommandSpec().mixinStandardHelpOptions(true).usageMessage();
        if (usage.footer().length > 0 && usage.footerHeading().isEmpty()) {
            usage.footerHeading("%nExamples:%n");
        }
        command.getSubcommands().values().forEach(OctavoCommand::document);
    }
}
