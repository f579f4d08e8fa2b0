package io.octavo.cli;

import io.octavo.cli.client.ProblemException;
import io.octavo.cli.client.ServerUnreachableException;
import io.octavo.cli.client.UnexpectedAnswerException;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.FileFailure;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.Terminal;
import io.octavo.cli.transfer.TransferException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import picocli.CommandLine;

/** Turns what went wrong into one line and an exit code. A stack trace is shown only where {@code OCTAVO_DEBUG} is set. */
final class FailureLine implements CommandLine.IExecutionExceptionHandler {

    private final Terminal terminal;
    private final Map<String, String> environment;

    FailureLine(Terminal terminal, Map<String, String> environment) {
        this.terminal = terminal;
        this.environment = environment;
    }

    @Override
    public int handleExecutionException(
            Exception failure, CommandLine commandLine, CommandLine.ParseResult parseResult) {
        ProcessEnd.waitIfTold();
        terminal.err().println("error: " + line(failure));
        if (environment.containsKey("OCTAVO_DEBUG")) {
            failure.printStackTrace(terminal.err());
        }
        return switch (failure) {
            case UsageException usage -> ExitCode.USAGE;
            case ServerUnreachableException unreachable -> ExitCode.UNREACHABLE;
            default -> ExitCode.FAILED;
        };
    }

    private static String line(Throwable failure) {
        return switch (failure) {
            case ProblemException problem
            when problem.problem().code().equals("unauthenticated") ->
                problem.problem().line()
                        + "; OCTAVO_API_KEY holds the key, or --home names a local service's home;"
                        + " `octavo keys create NAME`, run with an admin's key, makes one";
            case ProblemException problem -> problem.problem().line();
            case ServerUnreachableException unreachable ->
                unreachable.getMessage() + "; `octavo up` starts a server here, --server names another";
            case UsageException usage -> message(usage);
            case CommandFailedException failed -> message(failed);
            case TransferException transfer -> message(transfer);
            case UnexpectedAnswerException unexpected -> message(unexpected);
            case UncheckedIOException io -> message(io);
            case IOException io -> FileFailure.line(io);
            default ->
                failure.getClass().getSimpleName() + ": " + message(failure) + " (set OCTAVO_DEBUG=1 to see where)";
        };
    }

    private static String message(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.getClass().getSimpleName() : message;
    }
}
