package io.octavo.cli.command;

/** The command line, or a file that it names, asks for something that cannot be. */
public final class UsageException extends RuntimeException {

    public UsageException(String message) {
        super(message);
    }
}
