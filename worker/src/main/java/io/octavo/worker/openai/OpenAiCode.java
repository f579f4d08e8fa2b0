package io.octavo.worker.openai;

/**
 * Why a call of OpenAI's interface is refused; documented in docs/errors.md, never renamed. Where OpenAI has a name for it,
 * clients look for that one.
 */
public enum OpenAiCode {
    INVALID_REQUEST("invalid_request", 400),
    INVALID_JSON("invalid_json", 400),
    MISSING_PARAMETER("missing_required_parameter", 400),
    INVALID_TYPE("invalid_type", 400),
    INVALID_VALUE("invalid_value", 400),
    UNSUPPORTED_PARAMETER("unsupported_parameter", 400),
    CONTEXT_LENGTH_EXCEEDED("context_length_exceeded", 400),
    INVALID_API_KEY("invalid_api_key", 401),
    MODEL_NOT_FOUND("model_not_found", 404),
    UNKNOWN_URL("unknown_url", 404),
    METHOD_NOT_ALLOWED("method_not_allowed", 405),
    REQUEST_TIMEOUT("request_timeout", 408),
    REQUEST_TOO_LARGE("request_too_large", 413),
    UNSUPPORTED_MEDIA_TYPE("unsupported_media_type", 415),
    SERVER_OVERLOADED("server_overloaded", 503),
    INTERNAL_ERROR("internal_error", 500);

    private final String slug;
    private final int status;

    OpenAiCode(String slug, int status) {
        this.slug = slug;
        this.status = status;
    }

    public String slug() {
        return slug;
    }

    /** Of the answer over HTTP. */
    public int status() {
        return status;
    }
}
