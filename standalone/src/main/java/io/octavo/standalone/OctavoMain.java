package io.octavo.standalone;

import io.octavo.cli.OctavoCommand;
import io.octavo.cli.ServerOptions;
import io.octavo.cli.terminal.Terminal;

/** Where the launcher enters: the client's commands, and those that run the service itself. */
public final class OctavoMain {

    private OctavoMain() {}

    public static void main(String[] arguments) {
        Terminal terminal = Terminal.system();
        System.exit(OctavoCommand.commandLine(
                        terminal,
                        System.getenv(),
                        new DemoCommand(terminal),
                        new QuantizeCommand(terminal),
                        new GenerateCommand(terminal),
                        new InspectCommand(terminal, new ServerOptions(System.getenv())),
                        new ConvertCommand(terminal, new ServerOptions(System.getenv())),
                        new UpCommand(terminal),
                        new KeyCommand(terminal),
                        new ApiCommand(),
                        new WorkerCommand())
                .execute(arguments));
    }
}
