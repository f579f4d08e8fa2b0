package io.octavo.worker.serve;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.ErrorKind;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import org.jspecify.annotations.Nullable;

/** What the engine refuses, as OpenAI's interface says it. */
final class Failures {

    private Failures() {}

    /** @param param the field that holds what the engine was given */
    static OpenAiException translate(QuantizationException failure, @Nullable String param) {
        return translate(failure.code(), String.valueOf(failure.getMessage()), param, failure);
    }

    static OpenAiException translate(
            ErrorCode code, String message, @Nullable String param, @Nullable Throwable cause) {
        return switch (code) {
            case PROMPT_TOO_LONG ->
                new OpenAiException(
                        OpenAiCode.CONTEXT_LENGTH_EXCEEDED.status(),
                        OpenAiCode.CONTEXT_LENGTH_EXCEEDED.slug(),
                        param,
                        message,
                        cause);
            case QUEUE_FULL, SERVING_STOPPED ->
                new OpenAiException(
                        OpenAiCode.SERVER_OVERLOADED.status(),
                        OpenAiCode.SERVER_OVERLOADED.slug(),
                        null,
                        message,
                        cause);
            case CHAT_TEMPLATE_MISSING, CHAT_TEMPLATE_FAILED, CHAT_TEMPLATE_EXCEEDED, CHAT_TEMPLATE_UNAVAILABLE ->
                new OpenAiException(400, code.slug(), param, message, cause);
            // The call is not to blame for what the model or the machine is like.
            default ->
                new OpenAiException(code.kind() == ErrorKind.USER ? 500 : 503, code.slug(), null, message, cause);
        };
    }
}
