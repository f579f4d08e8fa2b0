package io.octavo.cli;

import io.octavo.cli.terminal.Terminal;
import java.io.PrintWriter;
import java.util.Map;
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
        return root.addSubcommand(new PushCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new PullCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new SubmitCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new JobsCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new JobCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new LogsCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new CancelCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new ArtifactsCommand(terminal, new ServerOptions(environment)))
                .addSubcommand(new ArtifactCommand(terminal, new ServerOptions(environment)))
                .setOut(new PrintWriter(terminal.out(), true, terminal.out().charset()))
                .setErr(new PrintWriter(terminal.err(), true, terminal.err().charset()))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(new FailureLine(terminal, environment));
    }
}
