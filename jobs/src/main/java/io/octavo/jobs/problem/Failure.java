package io.octavo.jobs.problem;

/**
 * Why an attempt of a job failed.
 *
 * @param code a stable slug, ours or the engine's
 * @param kind decides whether the job is tried again
 * @param detail one sentence for the user
 */
public record Failure(String code, FailureKind kind, String detail) {

    public static Failure of(ProblemException problem) {
        return new Failure(problem.code().slug(), problem.code().category().kind(), problem.detail());
    }

    public static Failure of(ProblemCode code, String detail) {
        return new Failure(code.slug(), code.category().kind(), detail);
    }
}
