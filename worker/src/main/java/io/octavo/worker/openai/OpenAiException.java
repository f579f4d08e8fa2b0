package io.octavo.worker.openai;

import org.jspecify.annotations.Nullable;

/** A call that is answered with an error. */
public final class OpenAiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;
    private final String slug;
    private final @Nullable String param;

    /** @param param the field that is to blame, as a path such as {@code messages[0].content} */
    public OpenAiException(OpenAiCode code, @Nullable String param, String message) {
        this(code.status(), code.slug(), param, message, null);
    }

    /** @param slug a code of ours, where OpenAI has none */
    public OpenAiException(int status, String slug, @Nullable String param, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.status = status;
        this.slug = slug;
        this.param = param;
    }

    public int status() {
        return status;
    }

    public String slug() {
        return slug;
    }

    public ErrorAnswer answer() {
        String type = switch (status) {
            case 401 -> "authentication_error";
            case 429 -> "rate_limit_error";
            default -> status < 500 ? "invalid_request_error" : "server_error";
        };
        return new ErrorAnswer(new ErrorAnswer.Detail(String.valueOf(getMessage()), type, param, slug));
    }
}
