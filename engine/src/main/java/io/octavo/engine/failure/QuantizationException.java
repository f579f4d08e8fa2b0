package io.octavo.engine.failure;

import org.jspecify.annotations.Nullable;

/** A failure that a user or an operator can see. The message tells what, where, the actual and the allowed value. */
public class QuantizationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    public QuantizationException(ErrorCode code, String message) {
        this(code, message, null);
    }

    public QuantizationException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public ErrorCode code() {
        return code;
    }
}
