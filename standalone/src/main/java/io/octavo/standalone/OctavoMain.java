package io.octavo.standalone;

import io.octavo.cli.OctavoCommand;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.terminal.Terminal;
import java.util.Map;
import picocli.CommandLine;

/** Where the launcher enters: the client's commands, and those that run the service itself. */
public final class OctavoMain {

    private OctavoMain() {}

    public static void main(String[] arguments) {
        Terminal terminal = Terminal.system();
        ProcessEnd.followSignals(terminal);
        QuietLogging.install();
        System.exit(commandLine(terminal, System.getenv()).execute(arguments));
    }

    static CommandLine commandLine(Terminal terminal, Map<String, String> environment) {
        return OctavoCommand.commandLine(
                terminal,
                environment,
                new DemoCommand(),
                new QuantizeCommand(),
                new EvaluateCommand(),
                new CompareCommand(),
                new GenerateCommand(),
                new ServeCommand(),
                new BenchmarkCommand(),
                new InspectCommand(),
                new ReportCommand(),
                new ConvertCommand(),
                new UpCommand(),
                new KeyCommand(),
                new ApiCommand(),
                new WorkerCommand());
    }
}
