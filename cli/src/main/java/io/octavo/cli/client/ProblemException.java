package io.octavo.cli.client;

/** The server refused a call and said why. */
public final class ProblemException extends RuntimeException {

    private final int status;
    private final transient Problem problem;

    ProblemException(int status, Problem problem) {
        super(problem.line());
        this.status = status;
        this.problem = problem;
    }

    public int status() {
        return status;
    }

    public Problem problem() {
        return problem;
    }
}
