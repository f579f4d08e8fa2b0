package io.octavo.api.problem;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.io.IOException;

/** Thrown while a body is read, once it is longer than allowed. */
final class BodyTooLargeException extends IOException {

    private static final long serialVersionUID = 1L;

    BodyTooLargeException(long maxBytes) {
        super("the body has more than " + maxBytes + " bytes");
    }

    ProblemException problem() {
        return new ProblemException(ProblemCode.BODY_TOO_LARGE, String.valueOf(getMessage()));
    }
}
