package io.octavo.api.serve;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An error in OpenAI's shape.
 *
 * @param code OpenAI's where it has one, docs/errors.md lists them
 * @param param the field that is to blame
 */
record OpenAiError(int status, String code, @Nullable String param, String message) {

    /** What any call of the service may be answered with, by the names that clients of this interface know. */
    static OpenAiError of(ProblemDetail problem) {
        Object code =
                problem.getProperties() == null ? null : problem.getProperties().get("code");
        return new OpenAiError(
                problem.getStatus(),
                name(String.valueOf(code)),
                null,
                Objects.requireNonNullElse(problem.getDetail(), "the call was refused"));
    }

    static String name(String code) {
        return switch (code) {
            case "unauthenticated" -> "invalid_api_key";
            case "rate-limited" -> "rate_limit_exceeded";
            case "body-too-large" -> "request_too_large";
            case "invalid-request" -> "invalid_request";
            case "not-found" -> "unknown_url";
            case "method-not-allowed" -> "method_not_allowed";
            case "unsupported-media-type" -> "unsupported_media_type";
            case "internal" -> "internal_error";
            default -> code;
        };
    }

    ObjectNode json() {
        ObjectNode error = JsonNodeFactory.instance.objectNode();
        error.putObject("error")
                .put("message", message)
                .put("type", type())
                .put("param", param)
                .put("code", code);
        return error;
    }

    private String type() {
        return switch (status) {
            case 401 -> "authentication_error";
            case 403 -> "permission_error";
            case 429 -> "rate_limit_error";
            default -> status < 500 ? "invalid_request_error" : "server_error";
        };
    }
}
