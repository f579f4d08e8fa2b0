package io.octavo.cli.command;

/** What the process answers to the shell; documented in docs/cli.md. */
public final class ExitCode {

    public static final int OK = 0;
    /** A job failed, a verification failed, or the server refused. */
    public static final int FAILED = 1;
    /** The command line or an input file is wrong. */
    public static final int USAGE = 2;
    /** No answer from the server. */
    public static final int UNREACHABLE = 3;

    private ExitCode() {}
}
