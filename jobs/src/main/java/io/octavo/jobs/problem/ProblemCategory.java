package io.octavo.jobs.problem;

/** How a problem relates to the request that met it. */
public enum ProblemCategory {
    INVALID(FailureKind.USER),
    UNAUTHENTICATED(FailureKind.USER),
    MISSING(FailureKind.USER),
    CONFLICT(FailureKind.USER),
    PRECONDITION(FailureKind.USER),
    UNPROCESSABLE(FailureKind.USER),
    FORBIDDEN(FailureKind.USER),
    RATE_LIMITED(FailureKind.RESOURCE),
    TOO_LARGE(FailureKind.USER),
    RANGE_NOT_SATISFIABLE(FailureKind.USER),
    FULL(FailureKind.RESOURCE),
    EXHAUSTED(FailureKind.RESOURCE),
    UNAVAILABLE(FailureKind.TRANSIENT),
    BROKEN(FailureKind.INTERNAL);

    private final FailureKind kind;

    ProblemCategory(FailureKind kind) {
        this.kind = kind;
    }

    public FailureKind kind() {
        return kind;
    }
}
