package io.octavo.api.identity;

import io.octavo.jobs.problem.ProblemCode;
import org.springframework.security.core.AuthenticationException;

/** Nobody can tell now who calls. */
final class IdentityUnavailableException extends AuthenticationException {

    private static final long serialVersionUID = 1L;

    private final ProblemCode code;

    private IdentityUnavailableException(ProblemCode code, String detail, Throwable cause) {
        super(detail, cause);
        this.code = code;
    }

    static IdentityUnavailableException ofDatabase(Throwable cause) {
        return new IdentityUnavailableException(
                ProblemCode.DATABASE_UNAVAILABLE, "the database did not answer; try again", cause);
    }

    /** Without the provider's keys nothing is known of a token. */
    static IdentityUnavailableException ofProvider(Throwable cause) {
        return new IdentityUnavailableException(
                ProblemCode.IDENTITY_UNAVAILABLE, "the identity provider did not answer; try again", cause);
    }

    ProblemCode code() {
        return code;
    }
}
