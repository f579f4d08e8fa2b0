package io.octavo.standalone.embedded;

import org.jspecify.annotations.Nullable;

/** The service cannot start here; the message says why and what to do. */
public class StandaloneException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public StandaloneException(String message) {
        this(message, null);
    }

    public StandaloneException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
