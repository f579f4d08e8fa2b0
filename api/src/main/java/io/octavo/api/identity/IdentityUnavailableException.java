package io.octavo.api.identity;

import org.springframework.security.core.AuthenticationException;

/** Nobody can tell now who calls. */
final class IdentityUnavailableException extends AuthenticationException {

    private static final long serialVersionUID = 1L;

    IdentityUnavailableException(Throwable cause) {
        super("the database did not answer", cause);
    }
}
