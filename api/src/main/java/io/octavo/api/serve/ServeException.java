package io.octavo.api.serve;

import org.jspecify.annotations.Nullable;

/** A call that is answered with an error, by this process and not by a worker. */
final class ServeException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient OpenAiError error;

    ServeException(int status, String code, @Nullable String param, String message) {
        this(status, code, param, message, null);
    }

    ServeException(int status, String code, @Nullable String param, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.error = new OpenAiError(status, code, param, message);
    }

    OpenAiError error() {
        return error;
    }
}
